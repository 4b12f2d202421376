"""The HTTP door: who may come in, how often, and what goes wrong on the way.

Read ``wire`` (one exchange and the socket under it), ``app`` (key, revision, scope, answer),
``limits`` (bursts and quotas), ``faults`` (failures on request) and ``admin`` (the door beside
the API, for tests: move the clock, set faults, edit).
"""
