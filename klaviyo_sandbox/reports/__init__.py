"""Klaviyo's reports, counted from the events that are visible now.

Read ``message_statistics`` (every count and rate of a message), ``dimensions`` and ``intervals``
(the groups of the results), then ``report`` (the reports) and ``aggregates`` (metric aggregates).
"""
