"""The address that opens a Data Studio report on the marts: Google's Linking API.

Without a report to copy it opens Google's default report on one mart. With one it replaces the data
source behind each of its aliases. No id is ever made up: `template.yml` holds what a person has
built, shared and seen. Source of the parameters: Google's Linking API reference of 2026-03-03.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import yaml

from looker.errors import LookerError

TEMPLATE = Path(__file__).parent / "template.yml"
HOST = "https://lookerstudio.google.com"  # documented still, though the product is renamed
FRESH = timedelta(days=90)  # a shared report may change or vanish without notice

# Google's rules: a name that breaks them gives an address that opens an error.
NAMES = {
    "project": r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "dataset": r"[A-Za-z0-9_]{1,1024}",
    "report id": r"[A-Za-z0-9_-]{20,64}",
}


@dataclass(frozen=True)
class Template:
    """The report that was built from BUILD.md, if it was."""

    report_id: str | None = None
    aliases: list[str] = field(default_factory=list)
    published: date | None = None
    verified: date | None = None

    def check(self, tables: Collection[str], today: date) -> None:
        """Refuse a report whose link would be dead, or that nobody has seen work."""
        if self.report_id is None:
            return
        _require("report id", self.report_id)
        if not self.aliases:
            raise LookerError("template.yml: without aliases no data source would be replaced.")
        for alias in self.aliases:
            if alias not in tables:
                raise LookerError(f"template.yml: dbt has no mart for the alias {alias!r}.")
        for name, day in (("published", self.published), ("verified", self.verified)):
            if day is None or day > today:
                raise LookerError(f"template.yml: `{name}` must be a day up to today, not {day}.")

    def remarks(self, today: date) -> Iterator[str]:
        """What a person should know before opening the link."""
        if self.report_id is None:
            yield "No report is recorded in template.yml: this opens an empty one on a single mart."
            yield "looker/BUILD.md tells how to build the dashboard."
        elif self.verified and today - self.verified > FRESH:
            yield f"Nobody has recorded opening this link since {self.verified}."


@dataclass(frozen=True)
class Marts:
    """Where the marts are in BigQuery, and which project pays for reading them."""

    project: str
    dataset: str
    billing_project: str


def load(path: Path = TEMPLATE) -> Template:
    """Read what is recorded of the report."""
    try:
        return Template(**yaml.safe_load(path.read_text()))
    except (TypeError, yaml.YAMLError) as error:
        raise LookerError(f"{path.name}: {error}") from None


def link(template: Template, marts: Marts, title: str, table: str) -> str:
    """The address, every value in it encoded; `table` is what it shows without a report to copy."""
    _require("project", marts.project)
    _require("project", marts.billing_project)
    _require("dataset", marts.dataset)
    parameters = [("r.reportName", title)]
    if template.report_id:
        parameters.append(("c.reportId", template.report_id))
        for alias in template.aliases:
            parameters += _source(f"ds.{alias}", alias, marts)
    else:
        # The default report has one data source and no alias for it; viewing it shows little.
        parameters += [("c.mode", "edit"), *_source("ds", table, marts)]
    return f"{HOST}/reporting/create?{urlencode(parameters, quote_via=quote)}"


def _source(prefix: str, table: str, marts: Marts) -> Iterator[tuple[str, str]]:
    """All that Google requires to replace a data source by a table of BigQuery."""
    yield f"{prefix}.connector", "bigQuery"
    yield f"{prefix}.type", "TABLE"
    yield f"{prefix}.projectId", marts.project
    yield f"{prefix}.datasetId", marts.dataset
    yield f"{prefix}.tableId", table
    yield f"{prefix}.billingProjectId", marts.billing_project
    yield f"{prefix}.datasourceName", table


def _require(kind: str, name: str) -> None:
    if not re.fullmatch(NAMES[kind], name):
        raise LookerError(f"{name!r} cannot be a Google {kind}.")
