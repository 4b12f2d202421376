"""The people of the account and everything they ever do: the events that all else is counted from.

Read ``population`` (the people), ``event_table`` (what an event is, and Klaviyo's attribution) and
``segments`` (membership of groups). ``engagement`` simulates the days one after another, with
``event_writer`` (records events), ``delivery`` (bounces, opens, clicks), ``storefront`` (visits and
orders), ``schedule_queue`` (what is due on later days) and ``seasonality`` (busy days and hours).
``anomalies`` (idle visits, late and odd events) and ``form_visits`` add the rest; ``history`` runs
all of it at the requested size. ``events``, ``properties`` and ``profiles`` present events and
people as Klaviyo's API does.
"""
