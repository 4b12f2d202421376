"""Who lives in the account and everything they ever do: the one truth that all else counts.

Read ``population`` (who they are), ``ledger`` (what an event is, and Klaviyo's attribution) and
``segments`` (who is in which group); then ``behaviour`` (the days, one after another) with
``scribe`` (who writes them down), ``post`` (what becomes of messages), ``shop`` (what visitors do)
and ``diary`` (what is due later); ``noise`` (idle visits, late news, oddities), ``form_visits`` and
``history`` (all of it, of the size asked for); last ``events``, ``properties`` and ``profiles``
(events and people as Klaviyo's API shows them).
"""
