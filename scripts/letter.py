"""The digest as an e-mail: HTML with its charts inside, and the same in plain text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from looker import charts, declaration
from looker.semantic import Metric, Semantics
from scripts.results import COLUMNS, HEADLINE, POINTS, Results, Sums, change, written

MOST = 20  # campaigns in the table
NEUTRAL = {"recipients"}  # more is neither better nor worse
RATES = {"open_rate": "#2c6fbb", "click_rate": "#1b9e7c"}
WIDTH, HEIGHT = 520, 170  # of a chart, in CSS pixels; drawn twice as fine
AXIS = {"money": "~s", "percent": ".0%"}  # in d3's words: https://d3js.org/d3-format

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(results: Sequence[Results], semantics: Semantics, link: str = "") -> EmailMessage:
    """The message, without addresses. `link` leads to the dashboard."""
    sections = [Section(one, semantics) for one in results]
    period = results[0].period
    names = " ".join(", ".join(one.account for one in results).split())
    message = EmailMessage()
    message["Subject"] = f"{names}: campaigns, {period}"
    pictures = [section.pictures() for section in sections]
    content = {"sections": sections, "pictures": pictures, "period": period, "link": link}
    message.set_content(TEMPLATES.get_template("digest.txt").render(content))
    message.add_alternative(TEMPLATES.get_template("digest.html").render(content), subtype="html")
    html = message.get_body(("html",))
    for picture in (one for several in pictures for one in several):
        if html is not None:
            html.add_related(picture.png, "image", "png", cid=picture.id, disposition="inline")
    return message


@dataclass(frozen=True)
class Picture:
    """A chart: its content id, its title, what it shows in words, and itself."""

    id: str
    title: str
    text: str
    png: bytes

    @property
    def source(self) -> str:
        """How HTML refers to it."""
        return f"cid:{self.id.strip('<>')}"


@dataclass(frozen=True)
class Figure:
    """A headline figure. `change` is against the period before; `tone` is up, down or flat."""

    label: str
    text: str
    change: str
    tone: str


@dataclass(frozen=True)
class Section:
    """What the templates show of one account."""

    results: Results
    semantics: Semantics

    def figures(self) -> list[Figure]:
        """The headline: the period's campaigns against those of the period before."""
        period = self.results.period
        now = self.results.total("campaign", period)
        before = self.results.total("campaign", period.before())
        return [self._figure(self.semantics.metric(name), now, before) for name in HEADLINE]

    def _figure(self, metric: Metric, now: Sums, before: Sums) -> Figure:
        share = change(now.value(metric), before.value(metric), metric)
        text = self._written(now, metric)
        if share is None:
            return Figure(metric.label, text, "no comparison", "flat")
        unit = " pts" if metric.format.startswith("percent") else "%"
        is_good_or_bad = share and metric.name not in NEUTRAL
        tone = "flat" if not is_good_or_bad else "up" if share > 0 else "down"
        return Figure(metric.label, text, f"{100 * share:+.1f}{unit}", tone)

    def _written(self, sums: Sums, metric: Metric) -> str:
        return written(sums.value(metric), metric, self.results.currency)

    def campaigns(self) -> list[dict[str, str]]:
        """The table: campaigns by revenue, each with its figures as texts."""
        return [
            {
                "name": send.campaign_name or send.campaign_id or "",
                "subject": send.subject_line,
                "sent_on": f"{send.sent_on:%-d %b}",
                **{name: self._written(sums, self.semantics.metric(name)) for name in COLUMNS},
            }
            for send, sums in self.results.campaigns[:MOST]
        ]

    def left_out(self) -> int:
        """How many campaigns the table has no room for."""
        return max(0, len(self.results.campaigns) - MOST)

    def definitions(self) -> list[str]:
        """What the rates are."""
        metrics = [self.semantics.metric(name) for name in RATES]
        return [f"{metric.label}: {metric.description}" for metric in metrics]

    def pictures(self) -> list[Picture]:
        """Revenue of campaigns and flows, and the campaigns' rates, over the last periods."""
        revenue = self.semantics.metric("conversion_value")
        rates = [self.semantics.metric(name) for name in RATES]
        looks = declaration.load(self.semantics).values["message_type"]
        return [
            self._picture(
                f"Revenue by {self.results.period.unit} of sending",
                "columns",
                [
                    Series(look["label"], look["color"], str(kind), revenue)
                    for kind, look in looks.items()
                ],
            ),
            self._picture(
                "Open and click rate of campaigns",
                "lines",
                [Series(rate.label, RATES[rate.name], "campaign", rate) for rate in rates],
            ),
        ]

    def _picture(self, title: str, kind: str, series: Sequence["Series"]) -> Picture:
        totals = {
            (part, period): self.results.total(part.message_type, period).value(part.metric)
            for part in series
            for period in self.results.periods()
        }
        rows = [
            {
                "x": period.start.isoformat(),
                "series": part.label,
                "position": series.index(part),
                "value": value,
            }
            for (part, period), value in totals.items()
        ]
        now = [
            f"{part.label} {written(value, part.metric, self.results.currency)}"
            for (part, period), value in totals.items()
            if period == self.results.period
        ]
        text = f"{title}, the last {POINTS} periods; now {', '.join(now)}"
        png = _png(kind, series, rows, self.results.currency)
        return Picture(make_msgid(domain="digest"), title, text, png)


@dataclass(frozen=True)
class Series:
    """A part of a chart: a metric of campaigns or of flows."""

    label: str
    colour: str
    message_type: str
    metric: Metric


def _png(
    kind: str, series: Sequence[Series], rows: Sequence[Mapping[str, Any]], currency: str
) -> bytes:
    unit = series[0].metric.format.partition("_")[0]
    amount = f" {currency}".rstrip() if unit == "money" else ""
    labels = [part.label for part in series]
    colours = {"domain": labels, "range": [part.colour for part in series]}
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": charts.MARKS[kind],
        "encoding": {
            "x": {
                "field": "x",
                "type": "ordinal",
                "scale": {"domain": sorted({row["x"] for row in rows})},
                "axis": {
                    "labelAngle": 0,
                    "labelExpr": "timeFormat(toDate(datum.value + 'T00:00'), '%-d %b')",
                    "labelOverlap": "greedy",
                    "labelSeparation": 8,
                },
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {
                    "labelExpr": f"format(datum.value, '{AXIS[unit]}') + {json.dumps(amount)}",
                    "tickCount": 4,
                },
            },
            "color": {"field": "series", "type": "nominal", "sort": labels, "scale": colours},
            "order": {"field": "position"},
        },
        "config": charts.CONFIG | {"background": "white"},
    }
    return vl_convert.vegalite_to_png(specification, vl_version="6.4", scale=2)
