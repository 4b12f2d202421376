"""Checks on an account what the connector assumes of Klaviyo: `.venv/bin/python -m scripts.doctor`.

questions.py declares the requests, answers.py checks the form of the answers, checks/ declares the
facts; examination.py asks and judges, report.py prints. A new fact is one function, and its mark
(? last-page) in docs/klaviyo_facts.md:

    @fact("last-page", "the last page of a listing", expected="`next` is null", asks=[TAG_GROUPS])
    def check_last_page(tag_groups: Answer) -> Finding: ...
"""

import sys
from pathlib import Path

# The connector's modules import each other flat, as Fivetran runs them.
sys.path.insert(0, str(Path(__file__).parents[2] / "klaviyo_connector"))
