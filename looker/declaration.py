"""`dashboard.yml` as typed values, with every name checked against dbt's semantic layer."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from looker import findings
from looker.errors import LookerError
from looker.semantic import Metric, SemanticModel, Semantics
from looker.yaml_reader import construct, read_yaml

DASHBOARD = Path(__file__).parent / "dashboard.yml"
CHANNEL = "send_channel"

Direction = Literal["higher", "lower", "neither"]
Chart = Literal[
    "figures",
    "columns",
    "lines",
    "curve",
    "heatmap",
    "table",
    "record",
    "tests",
    "steps",
    "findings",
]


def make_slug(title: str) -> str:
    """A title in lower case, with underscores between its words."""
    return "_".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


@dataclass(frozen=True)
class Usual:
    """What is usual for metrics: the medians of earlier groups with the same value of `within`.

    Of the last `days` with final results, at least `groups` of them, none with less than `minimum`.
    """

    metrics: list[str]
    within: str
    days: int
    groups: int
    minimum: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Tile:
    """One chart or table.

    Rows of `model` that meet `where` are grouped `by` dimensions, and `metrics` are computed in
    each group. A curve adds up its metric over the first `limit` values of its one dimension.
    """

    title: str
    chart: Chart
    metrics: list[str]
    by: list[str]
    model: str
    columns: list[str] = field(default_factory=list)  # dimensions that a table shows
    beneath: list[str] = field(default_factory=list)  # columns shown small, beneath the first
    # Dimensions of a row within a group: of a variation in a test, or of a step in a flow.
    versions: list[str] = field(default_factory=list)
    where: dict[str, str | bool] = field(default_factory=dict)
    dated: bool = True  # shows the chosen days; else all rows
    days: int = 0  # of rows without chosen days: only the last ones
    of: str = ""  # the dimension whose one value the page shows
    minimum: dict[str, int] = field(default_factory=dict)  # a group with less is not shown
    distinct: dict[str, int] = field(default_factory=dict)  # the same, of its values
    limits: list[float] = field(default_factory=list)  # dashed lines across a chart of lines
    order: str = ""  # metric or dimension; the greatest first, unless it ascends
    ascends: bool = False
    limit: int = 0
    bars: list[str] = field(default_factory=list)  # metrics with a bar in their cell
    # Metrics with a bar of their confidence interval, and the dimensions of its ends.
    intervals: dict[str, list[str]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)  # metrics with their change in their cell
    better: dict[str, Direction] = field(default_factory=dict)  # of a metric; default: higher
    interactive: bool = False  # a reader can sort and search the table
    totals: bool = False  # the table ends with the sums of its rows
    lead: bool = False  # the first figure is large, with a line of its days
    share: str = ""  # of all orders, beneath the large figure: a metric of any model
    target: bool = False  # the large figure has the account's revenue target
    usual: Usual | None = None  # of a table
    width: Literal["half", "full"] = "full"
    note: str = ""
    tested: bool = False  # hidden where no message has several versions
    empty: str = ""  # says why a tile without rows is empty; default: by its minimum
    without_events: str = ""  # the same of an account without the table event

    @property
    def slug(self) -> str:
        """The title as an id, in the page and in addresses."""
        return make_slug(self.title)

    @property
    def cells(self) -> list[str]:
        """The dimensions and metrics with a column of their own, in order."""
        ends = [name for pair in self.intervals.values() for name in pair]
        names = [*(self.versions or self.columns), *self.metrics]
        return [name for name in names if name not in (*self.beneath, *ends)]

    def dimensions(self) -> Iterator[str]:
        """Every dimension that the tile needs."""
        within = [self.usual.within] if self.usual else []
        yield from (*self.by, *self.distinct, *within, *self.value_dimensions())

    def value_dimensions(self) -> Iterator[str]:
        """The dimensions whose values it shows or tests. A table only groups by `by`."""
        yield from (*self.columns, *self.versions, *self.where, *([self.of] if self.of else []))
        if self.chart not in ("table", "tests", "steps"):
            yield from self.by


@dataclass(frozen=True)
class Period:
    """The last `days`; `grain` is the step of the charts' time axis."""

    days: int
    grain: Literal["day", "week"]
    default: bool = False


@dataclass(frozen=True)
class People:
    """Whole periods in which Klaviyo counts people.

    Where the chosen days are a period of `model`, its rows replace the daily rows that meet
    `where`, for metrics that count people. For other days `note` says what the daily rows count,
    and `chart_note` what the steps of a chart do.
    """

    model: str
    where: dict[str, str]
    note: str
    chart_note: str


@dataclass(frozen=True)
class Subject:
    """What a page shows one of: a value of `dimension`, named by `name`.

    A click on a name opens the page, and `back` is the page to return to. `address` is its place
    in Klaviyo, with {} for the value.
    """

    dimension: str
    name: str
    back: str
    address: str


@dataclass(frozen=True)
class Page:
    """A heading and the tiles below it. The page of a subject is not in the navigation."""

    title: str
    tiles: list[Tile]
    subject: Subject | None = None
    verdict: bool = False  # begins with the verdict on the account's data

    @property
    def slug(self) -> str:
        """The title as an id, in the page and in addresses."""
        return make_slug(self.title)


@dataclass(frozen=True)
class Dashboard:
    """The whole declaration. `model` is the default for tiles.

    `lists` are dimensions whose text lists several values, separated by a comma and a blank.
    Results of a send grow for `attribution_days`. `orders` are the counts behind a model's amounts.
    A rate of fewer than `few` is not ranked.
    `revenue_targets` are amounts for a month, by account id.
    `without_tile` has the reason for each model that no tile shows.
    """

    title: str
    model: str
    filters: list[str]
    lists: list[str]
    periods: list[Period]
    attribution_days: int
    orders: dict[str, str]
    few: int
    revenue_targets: dict[str, float]
    people: People
    values: dict[str, dict[str | int, dict[str, str]]]
    without_tile: dict[str, str]
    pages: list[Page]

    @property
    def default_period(self) -> Period:
        """The period that is chosen when a dashboard opens."""
        [period] = [period for period in self.periods if period.default]
        return period

    @property
    def tiles(self) -> list[Tile]:
        """The tiles of all pages, in order."""
        return [tile for page in self.pages for tile in page.tiles]

    @property
    def subjects(self) -> dict[str, Subject]:
        """The subjects by the slug of their page."""
        return {page.slug: page.subject for page in self.pages if page.subject}

    def models(self, semantics: Semantics) -> list[SemanticModel]:
        """The models that the tiles read, also for a share of another model's metric."""
        shares = [semantics.metric(tile.share).model for tile in self.tiles if tile.share]
        names = dict.fromkeys([*(tile.model for tile in self.tiles), *shares])
        return [semantics.model(name) for name in names]

    def growing_days(self, model: SemanticModel) -> int:
        """For how many days after its date a row's results grow: a send's, not an event's."""
        return self.attribution_days if model.date == "sent_on" else 0

    def value_label(self, dimension: str, value: str) -> str:
        """The label of a dimension's value; one without a label is shown as it is."""
        return self.values.get(dimension, {}).get(value, {}).get("label", value)

    def label(self, tile: Tile, metric: Metric) -> str:
        """The label of a metric where a reader can choose any days.

        In a tile with rows of `people`, metrics of people count them once a day.
        """
        has_people = all(
            tile.where.get(n, value) == value for n, value in self.people.where.items()
        )
        return metric.by_day if metric.by_day and has_people else metric.label

    def note(self, tile: Tile, metrics: Iterable[Metric]) -> str:
        """The note of a tile, and that of people if some metric counts them once a day."""
        counts_by_day = any(self.label(tile, metric) != metric.label for metric in metrics)
        return " ".join(filter(None, (tile.note, self.people.note if counts_by_day else "")))


def load(semantics: Semantics, path: Path = DASHBOARD) -> Dashboard:
    """Read the declaration; a name that dbt does not declare is an error."""
    content = read_yaml(path)
    dashboard = construct(Dashboard, content, path)
    dashboard = replace(
        dashboard,
        pages=[_build_page(dashboard.model, page, path) for page in content["pages"]],
        periods=[construct(Period, period, path) for period in content["periods"]],
        people=construct(People, content["people"], path),
    )
    _validate(dashboard, semantics, path)
    return dashboard


def _build_page(model: str, content: dict[str, Any], path: Path) -> Page:
    """A page. One of a subject shows all days of it."""
    page = construct(Page, content, path)
    subject = construct(Subject, content["subject"], path) if "subject" in content else None
    common = {"of": subject.dimension, "dated": False} if subject else {}
    tiles = [_build_tile(model, common | tile, path) for tile in content["tiles"]]
    return replace(page, tiles=tiles, subject=subject)


def _build_tile(model: str, content: dict[str, Any], path: Path) -> Tile:
    usual = construct(Usual, content["usual"], path) if "usual" in content else None
    common: dict[str, Any] = {"model": model, "ascends": content.get("chart") == "steps"}
    if content.get("chart") == "findings":
        common |= {"limit": findings.load().shown, "ascends": True}
    return construct(Tile, {**common, **content, "usual": usual}, path)


def _validate(dashboard: Dashboard, semantics: Semantics, path: Path) -> None:
    subjects = dashboard.subjects.values()
    named = [name for subject in subjects for name in (subject.dimension, subject.name)]
    for name in (*dashboard.filters, *dashboard.lists, *named):
        if name not in semantics.model(dashboard.model).dimensions:
            raise LookerError(f"{path.name}: {dashboard.model} has no dimension named {name!r}.")
    for subject in subjects:
        if subject.back not in [page.slug for page in dashboard.pages]:
            raise LookerError(f"{path.name}: no page has the slug {subject.back!r}.")
    semantics.model(dashboard.people.model)
    _validate_targets(dashboard.revenue_targets, path)
    shown = {model.name for model in dashboard.models(semantics)}
    for name in shown ^ (set(semantics.models) - set(dashboard.without_tile)):
        raise LookerError(
            f"{path.name}: {name} needs a tile or, in without_tile, a reason why none."
        )
    for title, count in Counter(tile.title for tile in dashboard.tiles).items():
        if count > 1:
            raise LookerError(f"{path.name}: {count} tiles have the title {title!r}.")
    for tile in dashboard.tiles:
        model = semantics.model(tile.model)
        for problem in (
            *_find_undeclared_names(tile, semantics, model),
            *_find_dangling_names(tile),
            *_find_blended_rates(tile, semantics, model),
        ):
            raise LookerError(f"{path.name}, tile {tile.title!r}: {problem}.")
    _validate_orders(dashboard, semantics, path)


def _validate_orders(dashboard: Dashboard, semantics: Semantics, path: Path) -> None:
    """Amounts that are compared need a count behind them, or chance looks like a change."""
    for model, name in dashboard.orders.items():
        if semantics.metric(name).model != semantics.model(model).name:
            raise LookerError(f"{path.name}: orders, {model}: {name} is of another model.")
    for tile in dashboard.tiles:
        compared = tile.metrics if tile.dated and tile.chart == "figures" else tile.changes
        for name in compared:
            counted = semantics.metric(semantics.metric(name).sums[0])
            if counted.is_money and tile.model not in dashboard.orders:
                raise LookerError(f"{path.name}: orders has no count for {name} of {tile.model}.")


def _validate_targets(targets: Mapping[str, Any], path: Path) -> None:
    for account, target in targets.items():
        if type(target) not in (int, float) or target <= 0:
            raise LookerError(
                f"{path.name}: the revenue target of {account!r} must be a positive amount,"
                f" not {target!r}."
            )


def _find_undeclared_names(tile: Tile, semantics: Semantics, model: SemanticModel) -> Iterator[str]:
    known = {metric.name for metric in semantics.metrics_of(model) if not metric.formula}
    for name in (*tile.metrics, *tile.minimum):
        if name not in known:
            yield f"{model.name} has no sum or ratio named {name!r}"
    for name in tile.dimensions():
        if name not in model.dimensions:
            yield f"{model.name} has no dimension named {name!r}"
    if tile.share and tile.share not in semantics.metrics:
        yield f"dbt declares no metric named {tile.share!r}"


def _find_dangling_names(tile: Tile) -> Iterator[str]:
    """Names of metrics or dimensions that the tile does not show."""
    shown: Mapping[str, list[str]] = {
        "bars": tile.metrics,
        "beneath": tile.columns[1:],
        "better": tile.metrics,
        "changes": tile.metrics,
        "intervals": [*tile.metrics, *tile.columns, *tile.versions],
        "order": [*tile.metrics, *tile.columns, *tile.versions, *tile.by],
        "usual": tile.metrics,
    }
    used = {
        "bars": tile.bars,
        "beneath": tile.beneath,
        "better": list(tile.better),
        "changes": tile.changes,
        "intervals": [name for metric, ends in tile.intervals.items() for name in (metric, *ends)],
        "order": [tile.order] if tile.order else [],
        "usual": tile.usual.metrics if tile.usual else [],
    }
    for attribute, names in used.items():
        for name in set(names) - set(shown[attribute]):
            yield f"{attribute} names {name!r}, which the tile does not show"


def _find_blended_rates(tile: Tile, semantics: Semantics, model: SemanticModel) -> Iterator[str]:
    """Rates over several channels, which equal no screen of Klaviyo."""
    within = [tile.usual.within] if tile.chart == "curve" and tile.usual else []
    if CHANNEL not in model.dimensions or CHANNEL in (
        *(*tile.where, *tile.by, *tile.versions),
        *within,
    ):
        return
    for name in tile.metrics:
        if find_counted(semantics.metric(name), semantics):
            yield f"{name} is of several channels: choose one in where, or group by {CHANNEL}"


def find_counted(metric: Metric, semantics: Semantics) -> str:
    """What a rate is of, such as delivered messages; of a ratio of amounts, what it declares."""
    if metric.ratio and semantics.metric(metric.ratio[1]).format == "integer":
        return metric.ratio[1]
    return metric.counted
