"""What may be asked of the API, and the documents it answers with. Knows nothing of HTTP's wires.

Read ``endpoints`` (the one table of paths and what they take) and ``kinds`` (the one table of
resources). Then for GET: ``query`` and ``filters`` (the query string, checked), ``reader`` (finds,
sorts, cuts into pages) and ``documents`` (links, sparse fields). For POST: ``body`` (what both
questions share), ``timeframes`` and ``questions`` (reports), ``aggregates`` (metric aggregates).
``errors`` is what the API says when it does not answer.
"""
