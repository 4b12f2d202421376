"""The tools of the server. Each reads the declarations or the marts, and none changes anything."""

import functools
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from looker.errors import LookerError
from scripts.command import CommandError
from scripts.mcp import answer
from scripts.mcp.catalog import Catalog
from scripts.mcp.question import Filter, Grain, Question
from scripts.warehouse import WarehouseSettings

INSTRUCTIONS = (
    "Klaviyo's campaign and flow results of one or more accounts, from their own warehouse."
    " list_accounts has the accounts and the synced days; list_metrics and list_dimensions have the"
    " names that query_metrics takes. A metric is a sum or a ratio of sums: never average or add up"
    " rates, and never add amounts of two currencies. Dates are in the account's time zone."
    " Give the reader the notes of an answer."
)
MAX_ROWS = 1000

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def build_server(settings: WarehouseSettings) -> MCPServer:
    """Build the server of a warehouse."""
    server = MCPServer("klaviyo", instructions=INSTRUCTIONS, log_level="WARNING")
    tools = Tools(Catalog.load(), settings)
    annotations = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    offered: list[Callable[..., Any]] = [
        tools.list_accounts,
        tools.list_metrics,
        tools.list_dimensions,
        tools.explain,
        tools.query_metrics,
    ]
    if tools.has_findings:
        offered.append(tools.list_findings)
    for tool in offered:
        server.tool(annotations=annotations)(_report_errors(tool))
    return server


def _report_errors(tool: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Give the client the message of an error that it or the user can correct."""

    @functools.wraps(tool)
    def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        try:
            return tool(*arguments, **options)
        except (CommandError, LookerError) as error:
            raise ToolError(str(error)) from None

    return run


class Tools:
    """The tools. A docstring is what the assistant reads."""

    def __init__(self, catalog: Catalog, settings: WarehouseSettings) -> None:
        self._catalog = catalog
        self._settings = settings

    @property
    def has_findings(self) -> bool:
        """Whether dbt declares a mart with findings."""
        return bool(self._catalog.findings)

    def list_findings(self) -> list[dict[str, Any]]:
        """List what to look at next in each account, each with its figure, sample and reason."""
        return answer.list_findings(self._catalog, self._settings)

    def list_accounts(self) -> list[dict[str, Any]]:
        """List the accounts: currency, conversion metric, first and last day with data, last sync.

        `periods_of_flows` are the days for which a flow's people are Klaviyo's own count: over
        other days a person counts once a day.
        """
        return answer.list_accounts(self._catalog, self._settings)

    def list_metrics(
        self, model: Annotated[str, Field(description="only of this model")] = ""
    ) -> list[dict[str, str]]:
        """List the metrics with their definitions. One query takes metrics of one model."""
        models = [self._catalog.model(model).name] if model else list(self._catalog.models)
        return [
            {
                "name": metric.name,
                "label": metric.label,
                "definition": metric.description,
                "model": metric.model,
            }
            for metric in self._catalog.metrics.values()
            if metric.model in models
        ]

    def list_dimensions(
        self, model: Annotated[str, Field(description="only of this model")] = ""
    ) -> list[dict[str, Any]]:
        """List each model with what its rows are, its date, and its dimensions with definitions."""
        models = [self._catalog.model(model)] if model else list(self._catalog.models.values())
        return [
            {
                "model": model.name,
                "definition": model.description,
                "date": model.date,
                "dimensions": [
                    {"name": d.name, "label": d.label, "type": d.type, "definition": d.description}
                    for d in model.dimensions.values()
                ],
            }
            for model in models
        ]

    def explain(self, name: str) -> dict[str, Any]:
        """Explain a metric or dimension: definition, formula, and its columns in Klaviyo's data."""
        is_label = name in self._catalog.metric_names and name not in self._catalog.dimensions
        if name in self._catalog.metrics or is_label:
            return self._catalog.describe_metric(self._catalog.metric(name))
        return self._catalog.describe_dimension(name)

    def query_metrics(  # noqa: PLR0913 - each is a part of the question
        self,
        *,
        metrics: Annotated[list[str], Field(description="of one model", min_length=1)],
        dimensions: Annotated[Sequence[str], Field(description="one row for each value")] = (),
        filters: Annotated[Sequence[Filter], Field(description="all must hold")] = (),
        start: Annotated[date | None, Field(description="first day of the model's date")] = None,
        end: Annotated[date | None, Field(description="last day, included")] = None,
        grain: Annotated[Grain | None, Field(description="one row for each such step")] = None,
        order_by: Annotated[
            str | None, Field(description="a column; else the grain or the first metric")
        ] = None,
        descending: bool = True,
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100,
    ) -> dict[str, Any]:
        """Compute metrics, by dimensions and time, over the rows that pass the filters.

        Amounts are always split by currency, and rates by send channel. A rate is a fraction: 0.25
        is 25 %. Null means that Klaviyo does not count it, which is not zero.
        """
        question = Question(
            self._catalog,
            names=metrics,
            by=dimensions,
            filters=filters,
            start=start,
            end=end,
            grain=grain,
            order_by=order_by,
            descending=descending,
            limit=limit,
        )
        return answer.ask(question, self._settings)
