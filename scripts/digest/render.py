"""The digest as an e-mail: HTML with embedded charts, and the same figures in plain text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from looker import charts, declaration
from looker.semantic import Metric, Semantics
from scripts.digest.chance import may_be_chance
from scripts.digest.metrics import (
    CHART_PERIODS,
    COLUMNS,
    HEADLINE,
    ORDERS,
    RATE_CHANNEL,
    AccountResults,
    Sums,
    compute_change,
    format_value,
)
from scripts.digest.peers import Usual

MAX_CAMPAIGNS = 20  # rows in the table
NEUTRAL_METRICS = {"recipients"}  # more is neither better nor worse
RATE_COLOURS = {"open_rate": "#2c6fbb", "click_rate": "#1b9e7c"}
WIDTH, HEIGHT = 520, 170  # of a chart, in CSS pixels; rendered at twice the resolution
AXIS_FORMATS = {"money": "~s", "percent": ".0%"}  # https://d3js.org/d3-format

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_message(
    results: Sequence[AccountResults], semantics: Semantics, link: str = ""
) -> EmailMessage:
    """Render the message, without addresses. `link` leads to the dashboard."""
    sections = [Section(account, semantics) for account in results]
    period = results[0].period
    # A name that Klaviyo's user typed may hold line breaks; a header may not.
    names = " ".join(", ".join(account.account for account in results).split())
    message = EmailMessage()
    message["Subject"] = f"{names}: campaigns, {period}"
    charts_by_section = [section.render_charts() for section in sections]
    content = {"sections": sections, "charts": charts_by_section, "period": period, "link": link}
    message.set_content(TEMPLATES.get_template("digest.txt").render(content))
    message.add_alternative(TEMPLATES.get_template("digest.html").render(content), subtype="html")
    # Charts are embedded and referred to by content id: mail programs block remote images.
    html = message.get_body(("html",))
    for chart in (chart for section_charts in charts_by_section for chart in section_charts):
        if html is not None:
            html.add_related(chart.png, "image", "png", cid=chart.id, disposition="inline")
    return message


@dataclass(frozen=True)
class Chart:
    """A chart: its content id, its title, its figures in words, and the image."""

    id: str
    title: str
    text: str
    png: bytes

    @property
    def source(self) -> str:
        """The address that HTML refers to it by."""
        return f"cid:{self.id.strip('<>')}"


@dataclass(frozen=True)
class HeadlineFigure:
    """A headline figure. `change` is against the period before; `tone` is up, down or flat."""

    label: str
    text: str
    change: str
    tone: str


@dataclass(frozen=True)
class Series:
    """One series of a chart: a metric of campaigns or of flows."""

    label: str
    colour: str
    message_type: str
    metric: Metric


@dataclass(frozen=True)
class Section:
    """What the templates show of one account."""

    results: AccountResults
    semantics: Semantics

    def headline_figures(self) -> list[HeadlineFigure]:
        """The figures of the period's campaigns, compared with those of the period before."""
        return [self._build_figure(self.semantics.metric(name)) for name in HEADLINE]

    def _build_figure(self, metric: Metric) -> HeadlineFigure:
        channel = RATE_CHANNEL if metric.ratio else ""
        text = self._format(self.results.total("campaign", self.results.period, channel), metric)
        change, tone = self._describe_change(metric)
        return HeadlineFigure(self._label(metric), text, change, tone)

    def _label(self, metric: Metric) -> str:
        """The label: rates name their channel, and revenue what counts as a conversion."""
        prefix = RATE_CHANNEL.capitalize() if metric.ratio else ""
        if metric.format == "money":
            prefix = self.results.conversion_metric
        return f"{prefix} {metric.label.lower()}" if prefix else metric.label

    def _describe_change(self, metric: Metric) -> tuple[str, str]:
        """The change against the period before at equal age, in words, and its tone."""
        comparison = self.results.compare(metric)
        now, before = comparison.now, comparison.before
        if now is None or before is None:
            return comparison.missing, "flat"
        value, earlier = now.evaluate(metric), before.evaluate(metric)
        change = compute_change(value, earlier, metric)
        if change is None or value is None or not earlier:
            return "no comparison", "flat"
        unit = " pts" if metric.format.startswith("percent") else "%"
        text = f"{100 * change:+.1f}{unit}{comparison.over}"
        is_amount = metric.format == "money"
        name = ORDERS if is_amount else metric.sums[0]
        counts = now.values[name], before.values[name]
        if may_be_chance(*counts, value / earlier, is_amount=is_amount):
            return f"{text}; within the usual range", "flat"
        has_tone = change and metric.name not in NEUTRAL_METRICS
        return text, "flat" if not has_tone else "up" if change > 0 else "down"

    def _format(self, sums: Sums, metric: Metric) -> str:
        return format_value(sums.evaluate(metric), metric, self.results.currency)

    def campaigns(self) -> list[dict[str, str]]:
        """The rows of the table: campaigns by revenue, each figure formatted."""
        return [
            {
                "name": send.campaign_name or send.campaign_id or "",
                "subject": send.subject_line,
                "sent_on": f"{send.sent_on:%-d %b}",
                **{name: self._format(sums, self.semantics.metric(name)) for name in COLUMNS},
                "usual": "; ".join(self._describe_usual(send.campaign_id)),
            }
            for send, sums in self.results.campaigns[:MAX_CAMPAIGNS]
        ]

    def _describe_usual(self, campaign: str | None) -> Iterator[str]:
        """What the campaign earned per recipient on each channel, and what is usual at its age."""
        found = [(key[1], usual) for key, usual in self.results.usual.items() if key[0] == campaign]
        dashboard = declaration.load(self.semantics)
        for channel, usual in found:
            label = dashboard.value_label("send_channel", channel)
            prefix = f"{label} " if len(found) > 1 else ""
            yield f"{prefix}{self._compare_at_age(usual)}"

    def _compare_at_age(self, usual: Usual) -> str:
        metric = self.semantics.metric("revenue_per_recipient")
        value, median = (
            format_value(number, metric, self.results.currency)
            for number in (usual.result.per_recipient, usual.per_recipient)
        )
        age = "" if usual.days is None else f" at its age ({_format_age(usual.days)})"
        expected = usual.result.delivered * usual.order_rate
        factor = usual.result.per_recipient / usual.per_recipient
        is_chance = may_be_chance(usual.result.conversions, expected, factor, is_amount=True)
        return f"{value} per recipient, {median} is usual{age}" + (
            "; within the usual range" if is_chance else ""
        )

    def omitted_campaigns(self) -> int:
        """The number of campaigns that exceed the table's limit."""
        return max(0, len(self.results.campaigns) - MAX_CAMPAIGNS)

    def definitions(self) -> list[str]:
        """The definitions of the rates."""
        metrics = [self.semantics.metric(name) for name in RATE_COLOURS]
        return [f"{metric.label}: {metric.description}" for metric in metrics]

    def render_charts(self) -> list[Chart]:
        """Render revenue of campaigns and flows, and the campaigns' rates, by period."""
        revenue = self.semantics.metric("conversion_value")
        rates = [self.semantics.metric(name) for name in RATE_COLOURS]
        styles = declaration.load(self.semantics).values["message_type"]
        return [
            self._render_chart(
                f"Revenue by {self.results.period.unit} of sending",
                "columns",
                [
                    Series(style["label"], style["color"], str(message_type), revenue)
                    for message_type, style in styles.items()
                ],
            ),
            self._render_chart(
                "Open and click rate of email campaigns",
                "lines",
                [Series(rate.label, RATE_COLOURS[rate.name], "campaign", rate) for rate in rates],
            ),
        ]

    def _render_chart(self, title: str, mark: str, series: Sequence[Series]) -> Chart:
        values = {
            (line, period): self.results.total(
                line.message_type, period, RATE_CHANNEL if line.metric.ratio else ""
            ).evaluate(line.metric)
            for line in series
            for period in self.results.chart_periods()
        }
        rows = [
            {
                "x": period.start.isoformat(),
                "series": line.label,
                "position": series.index(line),
                "value": value,
                "is_growing": period.last > self.results.final_day,
            }
            for (line, period), value in values.items()
        ]
        current = [
            f"{line.label} {format_value(value, line.metric, self.results.currency)}"
            for (line, period), value in values.items()
            if period == self.results.period
        ]
        text = f"{title}, the last {CHART_PERIODS} periods; now {', '.join(current)}"
        png = _render_png(mark, series, rows, self.results.currency)
        return Chart(make_msgid(domain="digest"), title, text, png)


def _format_age(days: int) -> str:
    return {0: "the day of the send", 1: "1 day"}.get(days, f"{days} days")


def _render_png(
    mark: str, series: Sequence[Series], rows: Sequence[Mapping[str, Any]], currency: str
) -> bytes:
    kind = series[0].metric.format.partition("_")[0]
    suffix = f" {currency}".rstrip() if kind == "money" else ""
    labels = [line.label for line in series]
    colours = {"domain": labels, "range": [line.colour for line in series]}
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "width": WIDTH,
        "height": HEIGHT,
        "mark": charts.MARKS[mark],
        "encoding": {
            "x": {
                "field": "x",
                "type": "ordinal",
                "scale": {"domain": sorted({row["x"] for row in rows})},
                "axis": {
                    "labelAngle": 0,
                    # A date without a time is UTC in JavaScript: the day before in America.
                    "labelExpr": "timeFormat(toDate(datum.value + 'T00:00'), '%-d %b')",
                    "labelOverlap": "greedy",
                    "labelSeparation": 8,
                },
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {
                    "labelExpr": (
                        f"format(datum.value, '{AXIS_FORMATS[kind]}') + {json.dumps(suffix)}"
                    ),
                    "tickCount": 4,
                },
            },
            "color": {"field": "series", "type": "nominal", "sort": labels, "scale": colours},
            "order": {"field": "position"},
            # Paler: not final.
            "opacity": {"condition": {"test": "datum.is_growing", "value": 0.5}, "value": 1},
        },
        "config": charts.CONFIG | {"background": "white"},
    }
    return vl_convert.vegalite_to_png(specification, vl_version="6.4", scale=2)
