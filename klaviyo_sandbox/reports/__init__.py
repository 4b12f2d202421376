"""Klaviyo's reports, counted from the events that are visible now.

Read ``tally`` (every count and rate of a message) and ``dimensions`` (what results are grouped
by), then ``results`` (the reports themselves).
"""
