"""Klaviyo's reports, counted from the events that are visible now.

Read ``tally`` (every count and rate of a message), ``dimensions`` and ``intervals`` (what results
are grouped by), then ``report`` (the reports) and ``aggregates`` (metric aggregates).
"""
