"""Reads dbt's semantic layer, its metrics and dimensions, from the YAML beside dbt's models.

The spec is that of dbt 1.12. Reading it needs neither dbt nor a warehouse, so a check for drift is
quick; `tests/looker/test_lookml.py` compares the result with dbt's own manifest.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import jinja2
import yaml

from looker.errors import LookerError
from looker.yaml_reader import read_yaml

MODELS = Path(__file__).parent.parent / "dbt_project" / "models"
SCHEMA = "klaviyo"  # of the marts in DuckDB, set in dbt_project/profiles.yml

Type = Literal["text", "number", "boolean", "date", "time"]
TYPES: Mapping[str, Type] = {
    "text": "text",
    "bigint": "number",
    "integer": "number",
    "float8": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamptz": "time",
}

# An amount is a sum, and NULL over several currencies.
AMOUNT = re.compile(r"case when (?P<currencies>\w+_currencies) = 1 then (?P<sum>\w+_sum) end")


@dataclass(frozen=True)
class Column:
    """A column of a mart."""

    name: str
    type: Type
    description: str
    is_personal: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Dimension(Column):
    """A column to filter and group by; of a date, `grain` is day or week.

    `format` is that of a number which readers see, as for a metric.
    """

    label: str
    grain: str
    format: str


@dataclass(frozen=True)
class Metric:
    """A sum of one column, a ratio of two such sums, or a formula of other metrics.

    Never an average of rates. `format` is integer, percent_n, points_n (a difference of rates),
    decimal_n or times_n (a multiple) with n digits, or money in the account's currency. `klaviyo`
    is the name of the statistic in Klaviyo's reports, if it is one. A metric with `by_day` counts
    people: it has that label where a flow's people are counted once a day instead of once in the
    period. `counted` is the sum that says whether a ratio of amounts is of few.
    """

    name: str
    label: str
    description: str
    format: str
    model: str
    klaviyo: str = ""
    by_day: str = ""
    counted: str = ""
    column: str = ""
    ratio: tuple[str, str] | None = None
    formula: str = ""
    inputs: tuple[str, ...] = ()  # the metrics of a formula

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the metrics in a ratio or a formula."""
        return self.ratio or self.inputs

    @property
    def is_money(self) -> bool:
        """Whether it is an amount in the account's currency."""
        return self.format == "money"

    @property
    def sums(self) -> tuple[str, ...]:
        """The names of the sums in a ratio; of a sum, its own."""
        return self.ratio or (self.name,)


@dataclass(frozen=True)
class SemanticModel:
    """A mart with metrics. `key` identifies a row; `date` is the date of its metrics.

    `grain` are the columns of its test `primary_key`, if it has one. `within` are dimensions over
    whose values nothing may be summed.
    """

    name: str
    table: str
    description: str
    key: str
    date: str
    dimensions: Mapping[str, Dimension]
    grain: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def relation(self) -> str:
        """Its schema and table in DuckDB."""
        return f"{SCHEMA}.{self.table}"


@dataclass(frozen=True)
class Semantics:
    """Semantic models and metrics by name, and the columns of each mart by its table."""

    models: Mapping[str, SemanticModel]
    metrics: Mapping[str, Metric]
    columns: Mapping[str, Mapping[str, Column]]

    def metric(self, name: str) -> Metric:
        """The metric of that name."""
        try:
            return self.metrics[name]
        except KeyError:
            raise LookerError(f"dbt declares no metric named {name!r}.") from None

    def model(self, name: str) -> SemanticModel:
        """The semantic model of that name."""
        try:
            return self.models[name]
        except KeyError:
            raise LookerError(f"dbt declares no semantic model named {name!r}.") from None

    def metrics_of(self, model: SemanticModel) -> list[Metric]:
        """The metrics of a semantic model, in the order of their declaration."""
        return [metric for metric in self.metrics.values() if metric.model == model.name]

    def required_dimensions(self, metric: Metric) -> list[str]:
        """What every query of a metric groups by: two currencies or periods are never one sum."""
        currency = ["currency"] if self._needs_currency(metric) else []
        return [*self.model(metric.model).within, *currency]

    def _needs_currency(self, metric: Metric) -> bool:
        parts = [self.metric(name) for name in metric.parts]
        return metric.is_money or any(map(self._needs_currency, parts))


@cache
def load(models: Path = MODELS) -> Semantics:
    """Read the semantic layer from dbt's models folder, once for each process."""
    if not models.is_dir():
        raise LookerError(f"{models} is missing: it should hold dbt's models.")
    render = _build_renderer(models)
    marts = [_Mart(entry, render) for entry in _read_marts(models)]
    semantic_models = [mart.model() for mart in marts if mart.is_semantic]
    metrics = [metric for mart in marts for metric in mart.metrics()]
    return Semantics(
        {model.name: model for model in semantic_models},
        {metric.name: metric for metric in metrics},
        {mart.table: mart.columns() for mart in marts},
    )


def _read_marts(models: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(models.glob("marts/**/*.yml")):
        try:
            content = read_yaml(path)
        except yaml.YAMLError as error:
            raise LookerError(f"{path.name} is no YAML: {error}") from None
        yield from (mart for mart in content.get("models", ()) if "time_spine" not in mart)


def _build_renderer(models: Path) -> Callable[[str], str]:
    """A function that renders Jinja in a YAML text, with the parts of dbt's context we use."""
    markdown = "\n".join(path.read_text() for path in sorted(models.glob("**/*.md")))
    blocks = re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", markdown, re.DOTALL)
    docs: dict[str, str] = dict(blocks)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML

    def doc(name: str) -> str:
        if name not in docs:
            raise LookerError(f"dbt's models document nothing named {name!r}.")
        return docs[name]

    def render(text: str) -> str:
        if "{{" not in text:
            return text
        return environment.from_string(text).render(doc=doc, target={"type": "duckdb"})

    return render


@dataclass(frozen=True)
class _Mart:
    """The YAML of one mart, read as columns, a semantic model and metrics."""

    entry: Mapping[str, Any]
    render: Callable[[str], str]

    @property
    def table(self) -> str:
        name: str = self.entry["name"]
        return name

    @property
    def is_semantic(self) -> bool:
        return bool(self.entry.get("semantic_model", {}).get("enabled"))

    @property
    def _name(self) -> str:
        name: str = self._lookup(self.entry, "semantic_model", "name")
        return name

    @property
    def _columns(self) -> list[Mapping[str, Any]]:
        columns: list[Mapping[str, Any]] = self._lookup(self.entry, "columns")
        return columns

    def model(self) -> SemanticModel:
        keys = [c for c in self._columns if c.get("entity", {}).get("type") == "primary"]
        if len(keys) != 1:
            raise LookerError(f"{self.table}: its YAML must give one column a primary entity.")
        return SemanticModel(
            name=self._name,
            table=self.table,
            description=self._read_description(self.entry),
            key=keys[0]["name"],
            date=self._lookup(self.entry, "agg_time_dimension"),
            dimensions={
                c["name"]: self._read_dimension(c) for c in self._columns if "dimension" in c
            },
            grain=self._read_grain(),
            within=tuple(self.entry["config"].get("meta", {}).get("within", ())),
        )

    def _read_grain(self) -> tuple[str, ...]:
        for test in self.entry.get("data_tests", ()):
            match test:
                case {"primary_key": {"arguments": {"columns": [*columns]}}}:
                    return tuple(columns)
        return ()

    def columns(self) -> dict[str, Column]:
        return {column["name"]: Column(**self._read_column(column)) for column in self._columns}

    def metrics(self) -> Iterator[Metric]:
        """The metrics for readers: each by one name, an amount without what it is made of."""
        entries = {entry["name"]: entry for entry in self.entry.get("metrics", ())}
        amounts = [AMOUNT.fullmatch(str(entry.get("expr"))) for entry in entries.values()]
        inputs = {name for amount in amounts if amount for name in amount.groups()}
        for entry in entries.values():
            if entry["name"] in inputs or "second_name" in entry.get("config", {}).get("meta", {}):
                continue
            common = {
                "name": entry["name"],
                "label": self._lookup(entry, "label"),
                "description": self._read_description(entry),
                "model": self._name,
                "format": self._lookup(entry, "config", "meta", "format"),
                "klaviyo": entry["config"]["meta"].get("klaviyo", ""),
                "by_day": entry["config"]["meta"].get("by_day", ""),
                "counted": entry["config"]["meta"].get("counted", ""),
            }
            yield Metric(**common, **self._read_aggregation(entry, entries))

    def _read_aggregation(
        self, entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The column, ratio or formula of a metric; anything else is an error, never simplified."""
        columns = [column["name"] for column in self._columns]
        if amount := AMOUNT.fullmatch(str(entry.get("expr"))):
            return self._read_aggregation(entries[amount["sum"]], entries)
        match entry:
            case {"filter": _}:
                pass
            case {"type": "simple", "agg": "sum", "expr": str(column)} if column in columns:
                self._check_amount(entry)
                return {"column": column}
            case {"type": "ratio", "numerator": str(numerator), "denominator": str(denominator)}:
                return {"ratio": (numerator, denominator)}
            case {"type": "derived", "expr": str(formula), "input_metrics": [*inputs]} if all(
                isinstance(input_, dict) and input_.keys() == {"name"} for input_ in inputs
            ):
                return {"formula": formula, "inputs": tuple(input_["name"] for input_ in inputs)}
        raise LookerError(
            f"{self.table}, metric {entry['name']!r}: only the sum of a column, a ratio of two"
            " metrics and a formula of metrics, all without filters, can be shown everywhere."
        )

    def _check_amount(self, entry: Mapping[str, Any]) -> None:
        if entry.get("config", {}).get("meta", {}).get("format") == "money":
            raise LookerError(
                f"{self.table}, metric {entry['name']!r}: a sum of amounts must be NULL over"
                " several currencies; declare it as conversion_value is."
            )

    def _read_column(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        data_type = self.render(self._lookup(entry, "data_type"))
        if data_type not in TYPES:
            raise LookerError(f"{self.table}.{entry['name']}: unknown type {data_type!r}.")
        return {
            "name": entry["name"],
            "type": TYPES[data_type],
            "description": self._read_description(entry),
            "is_personal": entry.get("config", {}).get("meta", {}).get("pii", False),
        }

    def _read_dimension(self, entry: Mapping[str, Any]) -> Dimension:
        label = entry["dimension"].get("label") or entry["name"].replace("_", " ").capitalize()
        return Dimension(
            **self._read_column(entry),
            label=label,
            grain=entry.get("granularity", ""),
            format=entry.get("config", {}).get("meta", {}).get("format", ""),
        )

    def _read_description(self, entry: Mapping[str, Any]) -> str:
        return " ".join(self.render(self._lookup(entry, "description")).split())

    def _lookup(self, entry: Mapping[str, Any], *path: str) -> Any:
        """A required part of the YAML."""
        value: Any = entry
        for name in path:
            if name not in value:
                lacks = f"lacks `{'.'.join(path)}`"
                raise LookerError(f"{self.table}, {entry['name']!r}: its YAML {lacks}.")
            value = value[name]
        return value
