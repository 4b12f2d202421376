"""`dashboard.yml` as typed values, every name in it checked against dbt's semantic layer."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from looker.errors import LookerError
from looker.semantic import SemanticModel, Semantics

DASHBOARD = Path(__file__).parent / "dashboard.yml"

Direction = Literal["higher", "lower", "neither"]
Chart = Literal["figures", "columns", "lines", "heatmap", "table", "tests"]


def slug(title: str) -> str:
    """A title in small letters and digits, its words joined by underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


@dataclass(frozen=True)
class Tile:
    """One picture or table.

    Rows of `model` that meet `where` are grouped `by` dimensions, and `metrics` are computed in
    each group.
    """

    title: str
    chart: Chart
    metrics: list[str]
    by: list[str]
    model: str
    columns: list[str] = field(default_factory=list)  # further dimensions a table shows
    versions: list[str] = field(default_factory=list)  # what tells two versions in a test apart
    where: dict[str, str | bool] = field(default_factory=dict)
    dated: bool = True  # shows the chosen days, not all there is
    minimum: dict[str, int] = field(default_factory=dict)  # smaller groups are not shown
    order: str = ""  # the greatest first
    limit: int = 0
    bars: list[str] = field(default_factory=list)  # metrics drawn as a bar in their cell
    better: dict[str, Direction] = field(default_factory=dict)  # unless a metric's rise is good
    interactive: bool = False  # a table to sort and to search
    width: Literal["half", "full"] = "full"
    note: str = ""
    empty: str = "Nothing to show for this choice."

    @property
    def slug(self) -> str:
        """The title as a name in addresses."""
        return slug(self.title)

    def dimensions(self) -> Iterator[str]:
        """Every dimension the tile needs."""
        yield from (*self.by, *self.known_dimensions())

    def known_dimensions(self) -> Iterator[str]:
        """Those whose values it shows or asks for; a table's groups are no such."""
        yield from (*self.columns, *self.versions, *self.where)
        if self.chart not in ("table", "tests"):
            yield from self.by


@dataclass(frozen=True)
class Period:
    """The last `days`; `grain` is the step of the charts' time axis."""

    days: int
    grain: Literal["day", "week"]
    default: bool = False


@dataclass(frozen=True)
class Page:
    """A heading and the tiles below it."""

    title: str
    tiles: list[Tile]

    @property
    def slug(self) -> str:
        """The title as a name in addresses."""
        return slug(self.title)


@dataclass(frozen=True)
class Dashboard:
    """The whole declaration. `model` is that of every tile that names no other.

    `lists` are dimensions whose text lists several values, with a comma and a blank in between.
    """

    title: str
    model: str
    filters: list[str]
    lists: list[str]
    periods: list[Period]
    values: dict[str, dict[str | int, dict[str, str]]]
    pages: list[Page]

    @property
    def default_period(self) -> Period:
        """The period a dashboard opens with."""
        [period] = [period for period in self.periods if period.default]
        return period

    @property
    def tiles(self) -> list[Tile]:
        """The tiles of all pages, in order."""
        return [tile for page in self.pages for tile in page.tiles]


def load(semantics: Semantics, path: Path = DASHBOARD) -> Dashboard:
    """Read the declaration, refusing a name that dbt does not declare."""
    content = yaml.safe_load(path.read_text())
    try:
        pages = [
            Page(
                page["title"],
                [Tile(**{"model": content["model"], **tile}) for tile in page["tiles"]],
            )
            for page in content.pop("pages")
        ]
        periods = [Period(**period) for period in content.pop("periods")]
        dashboard = Dashboard(**content, periods=periods, pages=pages)
    except (KeyError, TypeError) as error:
        raise LookerError(f"{path.name}: {error}.") from None
    _check(dashboard, semantics, path)
    return dashboard


def _check(dashboard: Dashboard, semantics: Semantics, path: Path) -> None:
    for name in (*dashboard.filters, *dashboard.lists):
        if name not in semantics.model(dashboard.model).dimensions:
            raise LookerError(f"{path.name}: {dashboard.model} has no dimension named {name!r}.")
    for title, count in Counter(tile.title for tile in dashboard.tiles).items():
        if count > 1:
            raise LookerError(f"{path.name}: {count} tiles have the title {title!r}.")
    for tile in dashboard.tiles:
        model = semantics.model(tile.model)
        for problem in (*_unknown(tile, semantics, model), *_misplaced(tile)):
            raise LookerError(f"{path.name}, tile {tile.title!r}: {problem}.")


def _unknown(tile: Tile, semantics: Semantics, model: SemanticModel) -> Iterator[str]:
    known = {metric.name for metric in semantics.metrics_of(model) if not metric.formula}
    for name in (*tile.metrics, *tile.minimum):
        if name not in known:
            yield f"{model.name} has no sum or ratio named {name!r}"
    for name in tile.dimensions():
        if name not in model.dimensions:
            yield f"{model.name} has no dimension named {name!r}"


def _misplaced(tile: Tile) -> Iterator[str]:
    """Names that refer to something the tile does not show."""
    shown: Mapping[str, list[str]] = {
        "bars": tile.metrics,
        "better": tile.metrics,
        "order": [*tile.metrics, *tile.columns],
    }
    used = {
        "bars": tile.bars,
        "better": list(tile.better),
        "order": [tile.order] if tile.order else [],
    }
    for attribute, names in used.items():
        for name in set(names) - set(shown[attribute]):
            yield f"{attribute} names {name!r}, which the tile does not show"
