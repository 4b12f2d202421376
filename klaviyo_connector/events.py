"""Syncs events, in time windows fetched side by side and written in order.

Klaviyo's event list is eventually consistent: most events show within seconds, some hours later,
a few after days (Estuary measured 110 minutes, then over 4 days, and settled on 7). So every sync
asks for the last hours again, and one sync a day for the last week.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from account import Account, recalling
from api import ConfigurationError, ContractError
from models import Json, Operation, dig, related, resolved
from streams import EVENT, EVENT_ATTRIBUTION
from values import moment, written

HOT = timedelta(hours=2)
COLD = timedelta(days=7)
SETTLED = timedelta(seconds=10)  # Klaviyo refuses bounds within seconds of now
SHORTEST, FIRST, LONGEST = timedelta(minutes=1), timedelta(days=1), timedelta(days=60)
WINDOW_ROWS = 4_000  # the length of windows is steered towards this many events
MOST_PAGES = 8  # held in memory for one window; what lies behind them becomes a window of its own
PATH = "/api/events"
SCOPE = "events:read"
PAGE_SIZES = ("1000", "200")  # 200 is the documented maximum of older revisions


@dataclass(frozen=True)
class Window:
    """Events from `start` to before `end`; without an end also those dated ahead of the clock."""

    metric_id: str
    start: datetime
    end: datetime | None

    @property
    def filter(self) -> str:
        """The window as Klaviyo's filter."""
        conditions = [f"greater-or-equal(datetime,{written(self.start)})"]
        if self.end is not None:
            conditions.append(f"less-than(datetime,{written(self.end)})")
        if self.metric_id:
            conditions.append(f'equals(metric_id,"{self.metric_id}")')
        return ",".join(conditions)


@dataclass(frozen=True)
class Fetched:
    """The events of a window, and the rest of it where it was too dense to hold at once."""

    window: Window
    documents: list[Json]
    rest: Window | None


def sync_events(account: Account) -> Iterator[Operation]:
    """Write the events of every chosen metric."""
    for metric_id in _metrics(account):
        yield from _sync(account, metric_id)


def _metrics(account: Account) -> list[str]:
    """Ids to ask for one by one; one empty id stands for all metrics at once."""
    chosen = account.settings.event_metrics
    for name in chosen:
        if name not in account.metrics:
            raise ConfigurationError(f"event_metrics: the account has no metric {name!r}")
    return [one for name in chosen for one in account.metrics[name]] or [""]


def _sync(account: Account, metric_id: str) -> Iterator[Operation]:
    """Write what happened since the watermark, and again what lies a lookback before it.

        watermark-7d           watermark-2h   watermark        now-10s
        |--- cold: once a day ------|--- hot -----|--- first time --|--- future-dated -->

    The watermark is the end of the last window that was written whole. Events dated ahead of
    Klaviyo's clock are written, but lie behind the last bound and so never move it.
    """
    memory = _recall(account, metric_id)
    today, until = account.today.isoformat(), account.now - SETTLED
    lookback = HOT if memory.get("cold_on") == today else COLD
    watermark = memory.get("watermark")
    with recalling(EVENT.name):
        remembered = account.back(watermark) - lookback if watermark else None
    since = remembered or _first(account, metric_id)
    for fetched in _windows(account, metric_id, since, until):
        account.tell(f"events from {fetched.window.start:%Y-%m-%d %H:%M}")
        for document in fetched.documents:
            yield from _store(account, document)
        whole = fetched.rest.start if fetched.rest else fetched.window.end or until
        watermark = max(written(whole), watermark or "")
        _remember(account, metric_id, {**memory, "watermark": watermark})
        yield account.memory.checkpoint()
    done = {"watermark": watermark or written(until), "cold_on": today}
    _remember(account, metric_id, {**memory, **done})
    yield account.memory.checkpoint()


def _recall(account: Account, metric_id: str) -> Json:
    """The memory of the last sync; none if it began later than `start_date` now says."""
    start = str(account.settings.start_date or "")
    memory = account.memory.tables.get(EVENT.name, {}).get(metric_id, {})
    known = memory.get("start_date", start)
    return {**memory, "start_date": known} if known <= start else {"start_date": start}


def _first(account: Account, metric_id: str) -> datetime:
    """Where history begins: at `start_date`, or with the account's first event."""
    if account.settings.start_date:
        start = account.settings.start_date
        return min(datetime(start.year, start.month, start.day, tzinfo=account.zone), account.now)
    params = {"sort": "datetime", "page[size]": "1"}
    if metric_id:
        params["filter"] = f'equals(metric_id,"{metric_id}")'
    found = account.asking.get(PATH, params)["data"]
    first = moment(dig(found, ("0", "attributes", "datetime")))
    return min(datetime.fromisoformat(first), account.now) if first else account.now - COLD


def _windows(
    account: Account, metric_id: str, since: datetime, until: datetime
) -> Iterator[Fetched]:
    """Every window from `since` on, fetched side by side, in order."""
    threads = account.settings.concurrency
    length, start, asked = FIRST, since, since == until
    waiting: deque[Future[Fetched]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        while waiting or not asked:
            while not asked and len(waiting) < threads:
                end = start + length
                asked = end >= until
                window = Window(metric_id, start, None if asked else end)
                waiting.append(pool.submit(_fetch, account, window))
                start = end
            fetched = waiting.popleft().result()
            if fetched.rest is not None:
                waiting.appendleft(pool.submit(_fetch, account, fetched.rest))
            yield fetched
            length = _next_length(length, len(fetched.documents))


def _next_length(length: timedelta, rows: int) -> timedelta:
    """A length that would have held WINDOW_ROWS events, changed by at most a factor of four."""
    factor = min(max(WINDOW_ROWS / max(rows, 1), 0.25), 4.0)
    return min(max(length * factor, SHORTEST), LONGEST)


def _fetch(account: Account, window: Window) -> Fetched:
    """Ask for one window, in pages as large as Klaviyo allows."""
    for size in PAGE_SIZES:
        try:
            return _pages(account, window, size)
        except ContractError as error:
            if size == PAGE_SIZES[-1] or "page" not in str(error):
                raise
    raise AssertionError


def _pages(account: Account, window: Window, size: str) -> Fetched:
    documents: list[Json] = []
    params = {"include": "attributions", "sort": "datetime", "page[size]": size}
    pages = account.asking.pages(PATH, {**params, "filter": window.filter})
    for number, page in enumerate(pages, 1):
        documents.extend(resolved(page))
        rest = _rest(account, window, documents) if number >= MOST_PAGES else None
        if rest is not None and page["links"].get("next"):
            return Fetched(window, documents, rest)
    return Fetched(window, documents, None)


def _rest(account: Account, window: Window, documents: list[Json]) -> Window | None:
    """What lies behind a sorted run of past events; its first second is asked for again."""
    times = [moment(dig(one, ("attributes", "datetime"))) or "" for one in documents]
    last, sorted_ = times[-1], all(a <= b for a, b in pairwise(times))
    if not (sorted_ and written(window.start + SHORTEST) < last < written(account.now - SETTLED)):
        return None
    return Window(window.metric_id, datetime.fromisoformat(last).replace(microsecond=0), window.end)


def _store(account: Account, document: Json) -> Iterator[Operation]:
    """The rows of one event."""
    properties = dig(document, ("attributes", "event_properties"))
    happened = moment(dig(document, ("attributes", "datetime")))
    campaign = properties.get("$message") if _from_campaign(properties) else None
    source = {
        **document,
        "campaign_id": campaign,
        "is_future": happened is not None and happened > account.written_now,
    }
    if happened is not None:
        account.event_times[:] = _stretched(account.event_times, happened)
    if account.wants(EVENT):
        yield from account.store(EVENT, source)
    if account.wants(EVENT_ATTRIBUTION):
        for attribution in related(document, "attributions"):
            yield from account.store(EVENT_ATTRIBUTION, attribution)


def _from_campaign(properties: Json) -> bool:
    """Klaviyo names the campaign in `$message` unless the event belongs to a flow."""
    if not isinstance(properties, dict):
        return False
    return not properties.get("$flow") and "Campaign Name" in properties


def _stretched(times: list[str], time: str) -> list[str]:
    return [min([*times[:1], time]), max([*times[1:], time])]


def _remember(account: Account, metric_id: str, memory: Json) -> None:
    known = account.memory.tables.get(EVENT.name, {})
    account.memory.tables[EVENT.name] = {**known, metric_id: memory}
