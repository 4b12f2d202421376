"""The requests that the API accepts and its responses. It does not depend on HTTP or sockets.

For GET, read ``query`` and ``filters`` (the checked query string), ``reader`` (selects, sorts and
paginates) and ``documents`` (links and sparse fields). For POST, read ``request_body`` (shared by
all), ``timeframes``, ``report_requests`` (reports) and ``aggregate_requests`` (metric aggregates).
``errors`` holds the error responses. The endpoints themselves are declared in ``resources``.
"""
