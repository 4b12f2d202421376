"""A Klaviyo account on this machine: a seeded company and the HTTP API in front of it.

Run it with ``python -m klaviyo_sandbox --port 8080`` and talk to it as to Klaviyo, with any key
that begins with ``pk_``. Nothing in here is real: people and numbers are made up from the seed.

Read ``company``, ``people``, ``account``, ``reports``, ``api``, ``door``: each builds only on those
before it.
"""
