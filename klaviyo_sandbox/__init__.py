"""A Klaviyo account on this machine: a seeded company and the HTTP API in front of it.

Run it with ``python -m klaviyo_sandbox --port 8080`` and use it like Klaviyo, with any key that
begins with ``pk_``. Nothing in it is real: people and numbers follow from the seed.

Read ``catalog``, ``simulation``, ``resources``, ``account``, ``reports``, ``api``, ``http``: each
imports only those before it.
"""
