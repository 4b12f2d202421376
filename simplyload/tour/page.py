"""The result as a page of HTML, named as sample data."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

NOTE = (
    "Sample data: simulated accounts of Klaviyo, Stripe and Salesforce and a shop of this machine."
    " No person, payment or company in it is real."
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sample data: revenue by CRM account</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ccc; }}
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) {{ text-align: left; }}
.note {{ background: #fff3cd; padding: .5rem .8rem; }}
</style></head><body>
<h1>Attributed revenue, payments and CRM</h1>
<p class="note">{note}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table>
<p>Orders are the shop's (Postgres), attributed ones Klaviyo's, payments and refunds Stripe's,
accounts Salesforce's; the e-mail address joins them. What is ordered includes orders that are not
paid yet, or cancelled. Amounts are in US dollars. dbt built the models in DuckDB. {verdict}</p>
</body></html>
"""


def render(rows: Sequence[Mapping[str, Any]], verdict: str) -> str:
    """Give the page."""
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "\n".join(
        "<tr>"
        + "".join(f"<td>{escape(format_cell(value))}</td>" for value in row.values())
        + "</tr>"
        for row in rows
    )
    return _PAGE.format(note=NOTE, head=head, rows=body, verdict=escape(verdict))


def format_cell(value: Any) -> str:
    """Write a number with separators, without decimals where it has none."""
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
    return str(value)
