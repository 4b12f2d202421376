"""Facts about reports and aggregates."""

from collections import defaultdict
from datetime import datetime, time
from zoneinfo import ZoneInfo

from scripts.doctor import questions
from scripts.doctor.answers import (
    Answer,
    ReportRow,
    UndeterminableError,
    pair_days,
    read,
)
from scripts.doctor.facts import (
    Finding,
    fact,
    find_refusals,
    find_share,
    find_zone,
    is_refused,
    require,
)
from scripts.doctor.questions import LONG_AGO, read_id
from streams.catalog import CONVERSION_AGGREGATES, FLOW_VALUES, MESSAGE_AGGREGATES
from tables.converters import to_utc_datetime
from tables.jsonapi import related_resources

MONEY_REFUSAL = "does not support querying for values data"
DAYS_AND_TODAY = 8  # in last_7_days
UTC = ZoneInfo("UTC")
MESSAGE_OF_ACTION = ("attributes", "definition", "data", "message", "id")
MESSAGE_OF_TEST = ("attributes", "definition", "data", "main_action", "data", "message", "id")
Counts = defaultdict[str, float]
PLAIN_REPORTS = [report for report in questions.REPORTS if report is not questions.CAMPAIGN_TOTALS]


def _rows(report: Answer) -> list[ReportRow]:
    """The results of a report; UndeterminableError if there are none."""
    rows = report.results
    require(rows, "result of the report")
    return rows


def _all_rows(report: Answer) -> list[ReportRow]:
    """The results, if all are on one page: sums need all of them."""
    if report.has_more:
        raise UndeterminableError("the report has more than one page")
    return _rows(report)


@fact(
    "reports-accepted",
    "Klaviyo accepts each report as the connector requests it",
    expected="every report accepted, times with an offset",
    asks=PLAIN_REPORTS,
)
def check_reports_accepted(*reports: Answer) -> Finding:
    """Statistics, groups, timeframes and intervals of every report, without money."""
    return find_refusals([report.title for report in PLAIN_REPORTS], reports)


@fact(
    "aggregates-accepted",
    "Klaviyo accepts each aggregate as the connector requests it",
    expected="every aggregate accepted",
    asks=questions.AGGREGATES,
)
def check_aggregates_accepted(*aggregates: Answer) -> Finding:
    """Dimensions, intervals and time zones."""
    return find_refusals([aggregate.title for aggregate in questions.AGGREGATES], aggregates)


@fact(
    "money-refusal",
    "A metric without values is refused with an error of its own",
    expected=f"400 '{MONEY_REFUSAL}'",
    asks=[questions.CAMPAIGN_TOTALS],
)
def check_money_refusal(report: Answer) -> Finding:
    """The connector then asks again without the statistics of money."""
    if not is_refused(report):
        _ = report.content
        raise UndeterminableError("the account's conversion metric has money")
    holds = MONEY_REFUSAL in str(report.error)
    return Finding(holds, "that error" if holds else "another error")


@fact(
    "report-message-ids",
    "The message id in a campaign report is the campaign's id",
    expected="every campaign of one message",
    asks=[questions.CAMPAIGN_REPORT],
)
def check_report_message_ids(report: Answer) -> Finding:
    """Marts join a campaign's numbers to its message by either id."""
    messages = defaultdict[str | None, set[str | None]](set)
    for row in _rows(report):
        campaign_id = row.groupings.get("campaign_id")
        messages[campaign_id].add(row.groupings.get("campaign_message_id"))
    single = [(campaign, *ids) for campaign, ids in messages.items() if len(ids) == 1]
    return find_share(single, lambda ids: ids[0] == ids[1], "campaigns of one message")


@fact(
    "report-zeros",
    "A statistic that a channel does not count is 0.0",
    expected="no null",
    asks=[questions.CAMPAIGN_REPORT],
)
def check_report_zeros(report: Answer) -> Finding:
    """Rates are by channel, whatever the other channels' zeros are."""
    rows = _rows(report)
    channels = {row.groupings.get("send_channel") for row in rows}
    if channels <= {"email"}:
        raise UndeterminableError("only e-mails were sent, and they count nearly everything")
    nulls = sum(value is None for row in rows for value in row.statistics.values())
    return Finding(not nulls, f"{nulls} nulls in {len(rows)} results of {len(channels)} channels")


@fact(
    "report-floats",
    "Every statistic of a report is a float",
    expected="every number, such as 366.0",
    asks=[questions.CAMPAIGN_REPORT],
)
def check_report_floats(report: Answer) -> Finding:
    """Counts become whole numbers in the warehouse."""
    values = [value for row in _rows(report) for value in row.statistics.values()]
    numbers = [value for value in values if value is not None]
    return find_share(numbers, lambda value: isinstance(value, float), "floats")


@fact(
    "report-variations",
    "Grouping by variation splits results and loses none, also without an A/B test",
    expected="equal recipients of each campaign with and without",
    asks=[questions.CAMPAIGN_REPORT, questions.CAMPAIGN_TOTALS],
)
def check_report_variations(report: Answer, totals: Answer) -> Finding:
    """`campaign_performance` is always grouped by variation."""
    split, whole = (_sum_by_campaign(answer) for answer in (report, totals))
    same = sum(split.get(campaign) == recipients for campaign, recipients in whole.items())
    holds = same == len(whole) == len(split)
    return Finding(holds, f"equal for {same} of {len(whole)} campaigns")


def _sum_by_campaign(report: Answer) -> Counts:
    recipients = Counts(float)
    for row in _all_rows(report):
        recipients[str(row.groupings.get("campaign_id"))] += _sum(row, "recipients")
    return recipients


@fact(
    "report-pages",
    "The link to the next page of a report holds `page_cursor`",
    expected="page_cursor in links.next",
    asks=[questions.CAMPAIGN_REPORT],
)
def check_report_pages(report: Answer) -> Finding:
    """It is sent back in the query of the next request."""
    count = len(_rows(report))
    if not report.has_more:
        raise UndeterminableError(f"all {count} results are on one page")
    holds = "page_cursor=" in str(report.links["next"])
    return Finding(holds, f"{count} results on the first page")


@fact(
    "flow-report-message-ids",
    "The message id in a flow report is that of a flow action",
    expected="every result of a listed flow",
    asks=[questions.FLOW_REPORT, questions.FLOWS],
)
def check_flow_report_message_ids(report: Answer, flows: Answer) -> Finding:
    """Marts join a flow's numbers to its messages by it."""
    messages = {
        read_id(flow): {
            read(action, path, str)
            for action in related_resources(flow, "flow-actions")
            for path in (MESSAGE_OF_ACTION, MESSAGE_OF_TEST)
        }
        for flow in flows.records
    }
    rows = [(row.groupings.get("flow_id"), row.groupings) for row in _rows(report)]
    return find_share(
        [(messages[flow_id], groupings) for flow_id, groupings in rows if flow_id in messages],
        lambda row: row[1].get("flow_message_id") in row[0],
        "results of listed flows",
    )


@fact(
    "flow-days-add-up",
    "Delivered messages by day add up to those of the range",
    expected="equal for each message",
    asks=[questions.FLOW_REPORT, questions.FLOW_DAYS],
)
def check_flow_days_add_up(report: Answer, days: Answer) -> Finding:
    """Counts of messages are additive over days."""
    ranges, sums = _sum_by_message(report, "delivered"), _sum_by_message(days, "delivered")
    same = sum(sums.get(key, 0) == value for key, value in ranges.items())
    return Finding(same == len(ranges), f"equal for {same} of {len(ranges)} messages")


@fact(
    "flow-uniques",
    "Uniques of a range are at most the sum of its days' uniques",
    expected="at most the sum, for each message",
    asks=[questions.FLOW_REPORT, questions.FLOW_DAYS],
)
def check_flow_uniques(report: Answer, days: Answer) -> Finding:
    """Who opens on two days counts once in the range: a sum of days is no number of people."""
    ranges, sums = _sum_by_message(report, "opens_unique"), _sum_by_message(days, "opens_unique")
    within = sum(value <= sums.get(key, 0) for key, value in ranges.items())
    return Finding(
        within == len(ranges),
        f"{within} of {len(ranges)} messages, {sum(ranges.values()):.0f} people,"
        f" {sum(sums.values()):.0f} by days",
    )


@fact(
    "flow-opens",
    "The total opens of a flow message are its unique opens",
    expected="equal for each message",
    asks=[questions.FLOW_REPORT],
)
def check_flow_opens(report: Answer) -> Finding:
    """Klaviyo's help says so of flows; a campaign has more opens than people."""
    opens, people = _sum_by_message(report, "opens"), _sum_by_message(report, "opens_unique")
    opened = [key for key, value in people.items() if value]
    return find_share(opened, lambda key: opens[key] == people[key], "messages of flows opened")


def _sum_by_message(report: Answer, statistic: str) -> Counts:
    """A statistic of each message, a series summed over its days."""
    sums = Counts(float)
    for row in _all_rows(report):
        key = "|".join(str(row.groupings.get(name)) for name in FLOW_VALUES.group_by)
        sums[key] += _sum(row, statistic)
    return sums


def _sum(row: ReportRow, statistic: str) -> float:
    value = row.statistics.get(statistic)
    return sum(number or 0 for number in (value if isinstance(value, list) else [value]))


@fact(
    "series-days",
    "A day of a series is written as midnight with the offset +00:00",
    expected="every day T00:00:00+00:00",
    asks=[questions.FLOW_DAYS],
)
def check_series_days(days: Answer) -> Finding:
    """The offset does not count: the connector reads the date as it is written."""
    return find_share(days.series_days, lambda day: day.endswith("T00:00:00+00:00"), "days")


@fact(
    "last-7-days",
    "The timeframe `last_7_days` has 7 days and today",
    expected="8 days",
    asks=[questions.FORM_WEEK],
)
def check_last_7_days(week: Answer) -> Finding:
    """Recorded on 2026-09-04."""
    count = len(week.series_days)
    return Finding(count == DAYS_AND_TODAY, f"{count} days")


@fact(
    "form-versions-add-up",
    "Views of a form's versions add up to those of the form",
    expected="equal for each form and day",
    asks=[questions.FORM_WEEK, questions.FORM_VERSION_WEEK],
)
def check_form_versions_add_up(week: Answer, versions: Answer) -> Finding:
    """Otherwise a view belongs to no version, or to two."""
    whole, sums = _sum_views(week), _sum_views(versions)
    forms = [*(whole.keys() | sums.keys())]
    return find_share(forms, lambda key: whole[key] == sums[key], "days of forms")


def _sum_views(report: Answer) -> Counts:
    """The views of each form and day before today, which changes between two requests."""
    views = Counts(float)
    for row in _all_rows(report):
        counts = row.statistics.get("viewed_form")
        days = pair_days(report.series_days, counts if isinstance(counts, list) else [])
        for day, count in days[:-1]:
            views[f"{row.groupings.get('form_id')}|{day}"] += count or 0
    return views


@fact(
    "series-zone",
    "A day of a series is a day of the account's time zone",
    expected="nearer to the e-mails by the account's days than by UTC days",
    asks=[
        questions.ACCOUNT,
        questions.FLOW_DAYS,
        questions.MESSAGE_DAYS,
        questions.MESSAGE_UTC_DAYS,
    ],
)
def check_series_zone(account: Answer, days: Answer, local: Answer, utc: Answer) -> Finding:
    """Compares the delivered e-mails of flows with the events, counted in both zones."""
    delivered = Counts(float)
    for row in _all_rows(days):
        counts = row.statistics.get("delivered")
        if row.groupings.get("send_channel") == "email" and isinstance(counts, list):
            for day, count in pair_days(days.series_days, counts):
                delivered[day[:10]] += count or 0
    distances = [
        _distance(delivered, _count_by_day(local, find_zone(account))),
        _distance(delivered, _count_by_day(utc, UTC)),
    ]
    if distances[0] == distances[1]:
        raise UndeterminableError("both time zones fit equally well")
    seen = "{:.0f} e-mails apart by the account's days, {:.0f} by UTC days".format(*distances)
    return Finding(distances[0] < distances[1], seen)


def _count_by_day(aggregate: Answer, zone: ZoneInfo) -> Counts:
    """The events of flows by day."""
    counts = Counts(float)
    days = [_local_time(date, zone).date().isoformat() for date in aggregate.dates]
    for group in aggregate.groups:
        dimensions = dict(zip(MESSAGE_AGGREGATES.dimensions, group.dimensions, strict=False))
        if dimensions.get("$flow"):
            for day, count in pair_days(days, group.measurements.get("count", [])):
                counts[day] += count or 0
    return counts


def _distance(counts: Counts, others: Counts) -> float:
    return sum(
        abs(counts.get(day, 0) - others.get(day, 0)) for day in counts.keys() | others.keys()
    )


def _local_time(date: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(to_utc_datetime(date) or LONG_AGO).astimezone(zone)


@fact(
    "aggregate-dates",
    "A date of an aggregate is the instant of midnight in the requested time zone",
    expected="every date",
    asks=[questions.ACCOUNT, questions.MESSAGE_DAYS],
)
def check_aggregate_dates(account: Answer, aggregate: Answer) -> Finding:
    """Unlike the days of a series."""
    dates = aggregate.dates
    local, utc = (
        [_local_time(date, zone).time() == time() for date in dates]
        for zone in (find_zone(account), UTC)
    )
    if all(local) and all(utc):
        raise UndeterminableError("midnight is the same in UTC")
    return find_share(local, bool, "dates are midnights")


@fact(
    "aggregate-bounds",
    "An aggregate between two midnights, written in UTC, answers the days between them alone",
    expected=f"{questions.AGGREGATE_DAYS} days",
    asks=[questions.MESSAGE_DAYS],
)
def check_aggregate_bounds(aggregate: Answer) -> Finding:
    """Otherwise the first or the last day is counted only in part."""
    count = len(aggregate.dates)
    return Finding(count == questions.AGGREGATE_DAYS, f"{count} days")


@fact(
    "aggregate-dimensions",
    "A group of an aggregate has one text for each dimension, empty for none",
    expected="as many texts as dimensions",
    asks=[questions.CONVERSION_DAYS],
)
def check_aggregate_dimensions(aggregate: Answer) -> Finding:
    """They are named by their position."""
    count = len(CONVERSION_AGGREGATES.dimensions)
    return find_share(
        [group.dimensions for group in aggregate.groups],
        lambda texts: len(texts) == count and all(isinstance(text, str) for text in texts),
        "groups",
    )
