"""A question about the metrics of one model, with every name checked against the declarations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from looker.field_mapping import find_summed_columns
from looker.semantic import Dimension, Metric, SemanticModel
from scripts.command import UsageError
from scripts.mcp.catalog import Catalog, Value

Grain = Literal["day", "week", "month", "quarter", "year"]


class Filter(BaseModel):
    """A condition on a dimension."""

    dimension: str
    values: Annotated[list[Value], Field(min_length=1, description="null is a missing value")]
    condition: Annotated[
        Literal["is", "is not", "contains"],
        Field(description="is: one of the values; contains: a part of the text, in any case"),
    ] = "is"


@dataclass(frozen=True)
class Question:
    """Metrics by dimensions. `start` and `end` are the first and the last day, both included."""

    catalog: Catalog
    names: Sequence[str]
    by: Sequence[str] = ()
    filters: Sequence[Filter] = ()
    start: date | None = None
    end: date | None = None
    grain: Grain | None = None
    order_by: str | None = None
    descending: bool = True
    limit: int = 100

    def __post_init__(self) -> None:
        if self.start and self.end and self.start > self.end:
            raise UsageError(f"start {self.start} is after end {self.end}: exchange them.")
        if self.order_by and self.order_column not in self.columns:
            known = ", ".join(self.columns)
            raise UsageError(f"order_by {self.order_by!r} is no column of the answer: {known}.")

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics, which belong to one model."""
        metrics = [self.catalog.metric(name) for name in dict.fromkeys(self.names)]
        if len({metric.model for metric in metrics}) != 1:
            of = ", ".join(f"{metric.name} of {metric.model}" for metric in metrics)
            raise UsageError(f"Metrics of exactly one model, not {of or 'none'}: ask for each.")
        return metrics

    @property
    def model(self) -> SemanticModel:
        """The model of the metrics."""
        return self.catalog.model(self.metrics[0].model)

    @cached_property
    def dimensions(self) -> list[Dimension]:
        """The dimensions that split the answer, those that a metric requires included."""
        required = [
            name for metric in self.metrics for name in self.catalog.required_dimensions(metric)
        ]
        names = dict.fromkeys([*self.by, *required])
        return [self.catalog.dimension(self.model, name) for name in names]

    @cached_property
    def filter_dimensions(self) -> list[Dimension]:
        """The dimension of each filter."""
        return [self.catalog.dimension(self.model, filter_.dimension) for filter_ in self.filters]

    @property
    def keys(self) -> list[str]:
        """The columns that identify a row of the answer."""
        grain = [self.grain] if self.grain else []
        return [*grain, *(dimension.name for dimension in self.dimensions)]

    @property
    def columns(self) -> list[str]:
        """The columns of the answer."""
        return [*self.keys, *(metric.name for metric in self.metrics)]

    @property
    def order_column(self) -> str | None:
        """The column of the answer that `order_by` names, by its own name or a metric's label."""
        if not self.order_by or self.order_by in self.columns:
            return self.order_by
        return self.catalog.metric_names.get(self.order_by)

    @property
    def used_dimensions(self) -> list[str]:
        """The dimensions that split or filter, without their repetitions."""
        return list(
            dict.fromkeys(
                dimension.name for dimension in [*self.dimensions, *self.filter_dimensions]
            )
        )

    @property
    def summed_columns(self) -> list[str]:
        """The columns of the mart that the metrics sum."""
        semantics = self.catalog.semantics
        return sorted(
            {n for metric in self.metrics for n in find_summed_columns(metric, semantics)}
        )

    @property
    def counts_people(self) -> bool:
        """Whether the daily rows of some metric count a person once a day."""
        is_of_days = self.model.name == self.catalog.dashboard.model
        return is_of_days and any(metric.by_day for metric in self.metrics)

    @cached_property
    def periods(self) -> SemanticModel | None:
        """The model with a flow's people by period, if the days may be one of its periods."""
        people = self.catalog.dashboard.people
        model = self.catalog.semantics.model(people.model)
        has_days = self.start is not None and self.end is not None and self.grain is None
        has_names = {*model.dimensions, *people.where}.issuperset(self.used_dimensions)
        has_sums = self.catalog.semantics.columns[model.table].keys() >= set(self.summed_columns)
        return model if self.counts_people and has_days and has_names and has_sums else None
