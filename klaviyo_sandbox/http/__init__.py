"""The HTTP server: keys and scopes, rate limits, and faults on request.

Read ``exchange`` (one request and response over a socket), ``app`` (key, revision, scope,
response), ``tenant`` (one account behind the server), ``rate_limits`` (bursts and quotas),
``faults`` (failures on request) and ``admin`` (``/admin``, for tests: clock, faults, edits).
"""
