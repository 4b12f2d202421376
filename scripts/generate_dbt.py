"""Write what dbt repeats: the connector's tables, the rules of findings, the readers of marts.

The files are generated and committed, so dbt needs nothing of the connector or of `looker/`.

exit codes:
  0  the files are written, or none differs
  1  with --check: a committed file differs
  2  an option is unknown
"""

import argparse
import sys
import textwrap
from collections import defaultdict
from collections.abc import Collection, Sequence
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "klaviyo_connector"))

import configuration
import streams
from looker import declaration, findings, semantic, warehouse
from models import Table
from scripts.command import CommandError, command
from streams import registry
from streams.catalog import SYNC_REPORT
from streams.declarations import ReportStream

DBT = Path(__file__).parent.parent / "dbt_project"
MACROS = DBT / "macros" / "connector_tables.sql"
SOURCES = DBT / "models" / "staging" / "_klaviyo__sources.yml"
RULES = DBT / "macros" / "finding_rules.sql"
EXPOSURES = DBT / "models" / "marts" / "_exposures.yml"
HEADER = """\
{#- Generated from the connector's tables. Do not edit; run
    `.venv/bin/python -m scripts.generate_dbt`. -#}
"""
RULES_HEADER = """\
{#- Generated from looker/findings.yml and looker/dashboard.yml. Do not edit; run
    `.venv/bin/python -m scripts.generate_dbt`. -#}
"""
SOURCES_HEADER = """\
# Generated from the connector's tables. Do not edit; run `.venv/bin/python -m scripts.generate_dbt`.
sources:
  - name: klaviyo
    description: The raw tables that klaviyo_connector loads. Every key begins with account_id.
    database: "{{ var('klaviyo_raw_database', env_var('KLAVIYO_RAW_DATABASE', 'raw' if target.type == 'duckdb' else target.database)) }}"
    schema: "{{ var('klaviyo_raw_schema', env_var('KLAVIYO_RAW_SCHEMA', 'tester' if target.type == 'duckdb' else 'klaviyo')) }}"
    tables:
"""  # noqa: E501 - YAML has no shorter form
EXPOSURES_HEADER = """\
# Generated from looker/dashboard.yml. Do not edit; run `.venv/bin/python -m scripts.generate_dbt`.
# The readers of the marts: `dbt ls --select +exposure:dashboard` lists the models they depend on.
exposures:
"""
# An exposure reads marts of every group. YAML calls no macro: this is `split_words` of the groups.
ALL_GROUPS = "{{ not (var('klaviyo_groups', '') or '') | join | replace(',', '') | trim }}"
PREFIX = "{{ var('klaviyo_table_prefix', env_var('KLAVIYO_TABLE_PREFIX', '')) }}"
# Every sync writes a row here, while other tables get only changed rows, so the age of this table
# is the age of the last sync.
FRESHNESS = """\
        config:
          loaded_at_field: synced_at
          freshness:
            warn_after: {count: 24, period: hour}
            error_after: {count: 48, period: hour}
"""


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the macros, or compare them with the committed ones."""
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.generate_dbt",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="fail if a committed file differs")
    is_check = parser.parse_args(arguments).check
    for file, content in (
        (MACROS, render_macros()),
        (RULES, render_rules()),
        (SOURCES, render_sources()),
        (EXPOSURES, render_exposures()),
    ):
        if is_check:
            check(file, content)
        else:
            file.write_text(content)


def check(file: Path, content: str) -> None:
    """Print how a committed file differs from its generated content, and fail if it does."""
    committed = file.read_text() if file.exists() else ""
    difference = list(
        unified_diff(
            committed.splitlines(keepends=True),
            content.splitlines(keepends=True),
            f"committed/{file.name}",
            f"generated/{file.name}",
        )
    )
    sys.stdout.writelines(difference)
    if difference:
        raise CommandError(
            f"{file.name} is out of date: run `.venv/bin/python -m scripts.generate_dbt`."
        )


def render_sources() -> str:
    """The declaration of every raw table, with its columns in Fivetran's types and their paths."""
    return SOURCES_HEADER + "".join(_render_source(table) for table in streams.TABLES.values())


def _render_source(table: Table) -> str:
    columns = "".join(
        f"          - {{name: {name}, data_type: {kind}, description: {_describe(table, name)}}}\n"
        for name, kind in table.types.items()
    )
    return f"""\
      - name: {table.name}
        identifier: "{PREFIX}{table.name}"
        description: "{table.grain[0].upper()}{table.grain[1:]}."
{FRESHNESS if table is SYNC_REPORT else ""}        columns:
{columns}"""


def _describe(table: Table, name: str) -> str:
    """Where a column's value is in what the connector reads."""
    if name not in table.columns:
        return {"account_id": "The account.", "synced_at": "When the row was written."}[name]
    column = table.columns[name]
    paths = [".".join(path) for path in (column.path, column.fallback) if path]
    return f'"Path: {", else ".join(paths)}"'


def render_macros() -> str:
    """The lists of tables that the models need."""
    reports = [stream for stream in streams.STREAMS if isinstance(stream, ReportStream)]
    first_of = {stream.path: stream.table.name for stream in reversed(reports)}
    macros = (
        ("connector_tables", "All raw tables.", list(streams.TABLES)),
        (
            "opt_in_tables",
            "The raw tables outside `reporting`, selected by name: Fivetran bills their many rows.",
            [name for name in streams.TABLES if name not in streams.REPORTING],
        ),
        (
            "always_synced_tables",
            "The raw tables that the connector syncs with every selection.",
            [table.name for table in registry.ALWAYS_SYNCED],
        ),
        (
            "requiring_tables",
            "The words of KLAVIYO_TABLES that require a raw table, by that table.",
            _list_requiring_words(),
        ),
        (
            "report_quota_tables",
            "The raw tables of Klaviyo's reports, each with the first that shares its quota.",
            {stream.table.name: first_of[stream.path] for stream in reports},
        ),
    )
    return "\n".join([HEADER, *(_render_macro(*macro) for macro in macros)])


def _list_requiring_words() -> dict[str, list[str]]:
    requiring = defaultdict(list)
    for selected, required in configuration.REQUIRED_TABLES.items():
        requiring[required].append(selected)
    for word in ("catalog", "people"):
        chosen = registry.SETS[word]
        needed = {configuration.REQUIRED_TABLES.get(table, table) for table in chosen}
        for table in sorted({*chosen, *needed}):
            requiring[table].append(word)
    return dict(requiring)


def render_rules() -> str:
    """The rules of findings, and the days for which a send is credited with orders."""
    declared: dict[str, Any] = {
        rule.id: {name: value for name, value in vars(rule).items() if name != "id"}
        for rule in findings.load().rules
    }
    days = declaration.load(semantic.load()).attribution_days
    macros = (
        ("finding_rules", "The rules of klaviyo__finding in order, by their id.", declared),
        ("attribution_days", "For how many days after a send its results grow.", days),
    )
    return "\n".join([RULES_HEADER, *(_render_macro(*macro) for macro in macros)])


def render_exposures() -> str:
    """The page, Looker and Data Studio, each with the marts that it reads."""
    semantics = semantic.load()
    dashboard = declaration.load(semantics)
    tiles = {semantics.model(tile.model).table for tile in dashboard.tiles}
    page = {model.table for model in dashboard.models(semantics)}
    people = semantics.model(dashboard.people.model).table
    views = {model.table for model in semantics.models.values()}
    exposures = (
        (
            "dashboard",
            "Dashboard in one HTML page",
            "`python -m looker preview` draws it from looker/dashboard.yml.",
            page | {people, warehouse.HEALTH},
        ),
        (
            "looker",
            "LookML dashboards",
            "Views, explores and dashboards that `python -m looker build` writes to looker/lookml.",
            views,
        ),
        (
            "data_studio",
            "Data Studio report",
            "The report that looker/BUILD.md builds tile by tile, and its extract.",
            tiles | {"klaviyo__campaign_extract"},
        ),
    )
    return EXPOSURES_HEADER + "\n".join(_render_exposure(*exposure) for exposure in exposures)


def _render_exposure(name: str, label: str, description: str, marts: Collection[str]) -> str:
    setting = f"klaviyo_{name}_url"
    references = "".join(f"      - ref('{mart}')\n" for mart in sorted(marts))
    return f"""\
  - name: {name}
    label: {label}
    type: dashboard
    maturity: {"high" if name == "dashboard" else "medium"}
    description: "{description}"
    url: "{{{{ var('{setting}', env_var('{setting.upper()}', '')) }}}}"
    owner: {{name: Marketing analytics}}
    config: {{enabled: "{ALL_GROUPS}"}}
    depends_on:
{references}"""


def _render_macro(name: str, description: str, value: object) -> str:
    comment = textwrap.fill(f"{{#- {description} -#}}", 100, subsequent_indent="    ")
    literal = textwrap.indent(pformat(value, width=90, compact=True, sort_dicts=False), " " * 8)
    return f"""\
{comment}
{{% macro {name}() -%}}
    {{{{ return(
{literal}
    ) }}}}
{{%- endmacro %}}
"""


if __name__ == "__main__":
    sys.exit(main())
