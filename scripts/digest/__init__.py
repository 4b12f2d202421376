"""The e-mail digest of campaign results: `.venv/bin/python -m scripts.digest`.

period.py chooses the days, metrics.py reads the figures, render.py writes the message and send.py
sends it. The pipeline sends the same digest through `build_digest`.
"""

from email.message import EmailMessage

from looker import semantic
from scripts.digest import metrics, render
from scripts.digest.period import Period
from scripts.warehouse import WarehouseSettings, open_warehouse


def build_digest(settings: WarehouseSettings, period: Period, link: str = "") -> EmailMessage:
    """Build the digest of a period, without addresses. `link` leads to the dashboard."""
    semantics = semantic.load()
    with open_warehouse(settings) as warehouse:
        results = metrics.read_results(warehouse, semantics, period)
        return render.render_message(results, semantics, link)
