"""What the company's marketers set up: everything in the account but its people and their events.

Read ``copy`` (subjects, texts, products) and ``plan`` (what is set up and when it is sent), both
plain tables; then ``model`` (the company as dataclasses) and ``builder``, ``campaigns`` and
``flows``, which turn the tables into a company with ids from ``seeding``. It imports no other
package of the sandbox.
"""
