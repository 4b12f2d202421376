"""Builds the link that opens a Data Studio report on the marts, by Google's Linking API.

Without a report to copy, the link opens Google's default report on one mart. With a report, it
replaces the data source of each alias. `template.yml` records the report that a person built,
shared and opened. Source of the parameters: Google's Linking API reference of 2026-03-03.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import yaml

from looker.errors import LookerError
from looker.yaml_reader import construct, read_yaml

TEMPLATE = Path(__file__).parent / "template.yml"
HOST = "https://lookerstudio.google.com"  # still documented, although the product is renamed
MAX_AGE = timedelta(days=90)  # a shared report may change or vanish without notice

# Google's rules: with a name that breaks them the link opens an error.
NAME_PATTERNS = {
    "project": r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "dataset": r"[A-Za-z0-9_]{1,1024}",
    "report id": r"[A-Za-z0-9_-]{20,64}",
}


@dataclass(frozen=True)
class Template:
    """The report that a person built from BUILD.md, if there is one."""

    report_id: str | None = None
    aliases: list[str] = field(default_factory=list)
    published: date | None = None
    verified: date | None = None

    def check(self, tables: Collection[str], today: date) -> None:
        """Raise an error for a report whose link is dead or was never opened."""
        if self.report_id is None:
            return
        check_name("report id", self.report_id)
        if not self.aliases:
            raise LookerError("template.yml: without aliases the link replaces no data source.")
        for alias in self.aliases:
            if alias not in tables:
                raise LookerError(f"template.yml: dbt has no mart for the alias {alias!r}.")
        for name, day in (("published", self.published), ("verified", self.verified)):
            if day is None or day > today:
                raise LookerError(f"template.yml: `{name}` must be a day up to today, not {day}.")

    def find_warnings(self, today: date) -> Iterator[str]:
        """What a user should know before opening the link."""
        if self.report_id is None:
            yield "No report is recorded in template.yml: this opens an empty one on a single mart."
            yield "looker/BUILD.md explains how to build the dashboard."
        elif self.verified and today - self.verified > MAX_AGE:
            yield f"The last recorded opening of this link was on {self.verified}."


@dataclass(frozen=True)
class MartLocation:
    """Project and dataset of the marts in BigQuery, and the project that pays for queries."""

    project: str
    dataset: str
    billing_project: str


def load(path: Path = TEMPLATE) -> Template:
    """Read the record of the report."""
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        raise LookerError(f"{path.name}: {error}") from None
    return construct(Template, content, path)


def build_link(template: Template, marts: MartLocation, title: str, table: str) -> str:
    """The link, with every value encoded; without a report to copy it opens `table`."""
    check_name("project", marts.project)
    check_name("project", marts.billing_project)
    check_name("dataset", marts.dataset)
    parameters = [("r.reportName", title)]
    if template.report_id:
        parameters.append(("c.reportId", template.report_id))
        for alias in template.aliases:
            parameters += _source_parameters(f"ds.{alias}", alias, marts)
    else:
        # The default report has one data source without an alias, and is empty in view mode.
        parameters += [("c.mode", "edit"), *_source_parameters("ds", table, marts)]
    return f"{HOST}/reporting/create?{urlencode(parameters, quote_via=quote)}"


def _source_parameters(prefix: str, table: str, marts: MartLocation) -> Iterator[tuple[str, str]]:
    """The parameters that replace a data source by a table of BigQuery; Google requires all."""
    yield f"{prefix}.connector", "bigQuery"
    yield f"{prefix}.type", "TABLE"
    yield f"{prefix}.projectId", marts.project
    yield f"{prefix}.datasetId", marts.dataset
    yield f"{prefix}.tableId", table
    yield f"{prefix}.billingProjectId", marts.billing_project
    yield f"{prefix}.datasourceName", table


def check_name(kind: str, name: str) -> str:
    """The name; LookerError if Google refuses it for that kind."""
    if not re.fullmatch(NAME_PATTERNS[kind], name):
        raise LookerError(f"{name!r} cannot be a Google {kind}.")
    return name
