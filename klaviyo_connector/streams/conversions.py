"""Chooses the metrics whose conversions the campaign and flow reports count.

The first of these that the account has:

1. the metrics that `conversion_metrics` names
2. the metric that is mapped to revenue; for a custom metric the one that it is made of, if one only
3. the metric called Placed Order; of several, one with sums in the last 30 days, Shopify's first
4. none: the reports are requested without what counts conversions

Two stores of one account both have a metric of that name, and a store that is no longer connected
keeps its own (PostHog#77321, Improvado).
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from api import ContractError, GoneError, KlaviyoError, RefusedError, TransientError
from state.state import DayRange
from streams.catalog import (
    CONVERSION_AGGREGATES,
    MAPPED_METRICS,
    MESSAGE_METRICS,
    METRICS,
)
from streams.context import AccountContext
from streams.declarations import ReportStream
from streams.registry import STREAMS
from streams.report_schedule import aggregate_bounds
from tables.converters import to_double
from tables.jsonapi import get_path

PLACED_ORDER = "Placed Order"
PREFERRED_INTEGRATION = "Shopify"
RECENT = timedelta(days=30)  # a store without an order in a month is taken for disconnected
# Each that Klaviyo refuses costs one of the 225 requests that it answers a day.
MAX_FALLBACK_METRICS = 5
# Recorded of aggregates and events: "Metric IDs ['O35dGP'] do not exist."
_UNKNOWN_METRIC = re.compile(r"metric.* do(es)? not exist", re.IGNORECASE)
REPORTS = [
    stream for stream in STREAMS if isinstance(stream, ReportStream) and stream.has_conversions
]
# The statistics of a report that count its conversion metric.
CONVERSION_STATISTICS = frozenset(
    """
    conversions conversion_uniques conversion_rate conversion_value revenue_per_recipient
    average_order_value text_message_roi
    """.split()
)


@dataclass(frozen=True)
class Conversions:
    """The chosen metrics by id; "" is none. `errors` are the choices that cannot be made.

    `fallback_metrics` are those that a request names where the endpoint requires one and none
    of the chosen ones will do.
    """

    metric_ids: tuple[str, ...] = ()
    fallback_metrics: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[KlaviyoError, ...] = ()


def choose_conversions(context: AccountContext) -> Conversions:
    """The conversion metrics of this sync. Without the account's metrics there is no choice."""
    return replace(_choose(context), fallback_metrics=_find_fallback_metrics(context))


def is_unknown_metric(error: KlaviyoError) -> bool:
    """Whether Klaviyo does not know the metric of a report or aggregate, although it lists it."""
    if isinstance(error, RefusedError):
        return _UNKNOWN_METRIC.search(error.reasons) is not None
    return isinstance(error, GoneError)  # of what these requests name, only the metric has an id


def _choose(context: AccountContext) -> Conversions:
    if not context.listed.issuperset({METRICS.name, MAPPED_METRICS.name}):
        return Conversions()
    if context.settings.conversion_metrics:
        ids, errors = context.find_metrics("conversion_metrics")
        return Conversions(tuple(ids), errors=tuple(errors))
    if not any(context.wants(*stream.tables) for stream in (*REPORTS, CONVERSION_AGGREGATES)):
        return Conversions()
    if context.revenue_metric:
        return Conversions((context.revenue_metric,))
    if len(parts := context.revenue_parts) == 1 and parts <= context.integrations.keys():
        # Reports take the id of a custom metric, but leave out its filters (seen live).
        (part,) = parts
        warning = (
            f"revenue is mapped to a custom metric: the conversions are all those of {part}, of"
            " which it is made; name a metric in conversion_metrics"
        )
        return Conversions((part,), warnings=(warning,))
    named = context.metrics.get(PLACED_ORDER, [])
    return _choose_by_name(context, named) if named else _choose_none(context)


def _choose_by_name(context: AccountContext, named: list[str]) -> Conversions:
    warnings = []
    if context.revenue_is_custom:
        warnings.append(
            f"revenue is mapped to a custom metric: the conversions are those of {PLACED_ORDER};"
            " name a metric in conversion_metrics"
        )
    if len(named) == 1:
        return Conversions(tuple(named), warnings=tuple(warnings))
    try:
        sums = {metric_id: _find_recent_sum(context, metric_id) for metric_id in named}
    except (ContractError, TransientError) as error:
        return Conversions(errors=(error,))
    first, *others = sorted(named, key=lambda id_: _preference(context, id_, sums[id_]))
    texts = [_describe(context, id_, sums[id_]) for id_ in (first, *others)]
    warnings.append(
        f"{len(named)} metrics are called {PLACED_ORDER}: the conversions are those of {texts[0]},"
        f" not of {', '.join(texts[1:])}; name metrics in conversion_metrics"
    )
    return Conversions((first,), warnings=tuple(warnings))


def _find_recent_sum(context: AccountContext, metric_id: str) -> float | None:
    """The sum of a metric's values in the last days; None if Klaviyo does not know the metric."""
    try:
        return _fetch_recent_sum(context, metric_id)
    except ContractError as error:
        if is_unknown_metric(error):
            return None
        raise


def _fetch_recent_sum(context: AccountContext, metric_id: str) -> float:
    """The sum of a metric's values in the last days."""
    today = context.today
    body = {
        "type": "metric-aggregate",
        "attributes": {
            "metric_id": metric_id,
            "measurements": ["sum_value"],
            "interval": "day",
            "timezone": context.zone.key,
            "filter": aggregate_bounds(DayRange(today - RECENT, today), context.zone),
        },
    }
    pages = context.session.aggregate(CONVERSION_AGGREGATES.path, body)
    groups = [group for page in pages for group in page["data"]]
    sums = [get_path(group, ("measurements", "sum_value")) for group in groups]
    listed = [values for values in sums if isinstance(values, list)]
    return sum(to_double(value) or 0.0 for values in listed for value in values)


def _preference(
    context: AccountContext, metric_id: str, recent_sum: float | None
) -> tuple[bool, bool, bool]:
    """A key that sorts the metric to take first; the order of the listing decides a tie."""
    # A store that is no longer connected keeps its metric, but sells nothing (PostHog#77321).
    is_preferred = context.integrations.get(metric_id) == PREFERRED_INTEGRATION
    return recent_sum is None, (recent_sum or 0.0) <= 0, not is_preferred


def _describe(context: AccountContext, metric_id: str, recent_sum: float | None) -> str:
    integration = context.integrations.get(metric_id) or "no integration"
    if recent_sum is None:
        return f"{metric_id} ({integration}, which Klaviyo lists and does not know)"
    return f"{metric_id} ({integration}, {recent_sum:,.2f} in the last {RECENT.days} days)"


def _choose_none(context: AccountContext) -> Conversions:
    """Reports without conversions; an account without any metric has no reports."""
    tables = ", ".join(stream.table.name for stream in REPORTS if context.wants(*stream.tables))
    if not tables:
        return Conversions()
    mapped = "no metric is mapped to revenue"
    if context.revenue_is_custom:
        mapped = "revenue is mapped to a custom metric"
    reason = f"{mapped} and none is called {PLACED_ORDER}"
    remedy = "name a metric in conversion_metrics"
    # Klaviyo's OpenAPI requires conversion_metric_id, also where no conversion is asked for.
    if not any(context.metrics.values()):
        return Conversions(warnings=(f"{reason}: skipped {tables}; {remedy}",))
    empty = ", ".join(sorted(CONVERSION_STATISTICS))
    warning = f"{reason}: {empty} are empty in {tables}; {remedy}"
    return Conversions(("",), warnings=(warning,))


def _find_fallback_metrics(context: AccountContext) -> tuple[str, ...]:
    """A few metrics, those of Klaviyo's own messages first."""
    names = dict.fromkeys((*MESSAGE_METRICS, *context.metrics))
    ids = (id_ for name in names for id_ in context.metrics.get(name, []))
    return tuple(islice(ids, MAX_FALLBACK_METRICS))
