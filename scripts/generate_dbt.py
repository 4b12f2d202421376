"""Write the dbt macros that repeat what the connector knows about its tables.

dbt_project/macros/connector_tables.sql is generated and committed, so dbt needs nothing of the
connector. With --check nothing is written: the exit code is 1 if the committed file differs.
"""

import argparse
import sys
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from pprint import pformat

sys.path.insert(0, str(Path(__file__).parent.parent / "klaviyo_connector"))

import configuration
import streams
from scripts.command import CommandError, command
from streams import registry
from streams.declarations import ReportStream

FILE = Path(__file__).parent.parent / "dbt_project" / "macros" / "connector_tables.sql"
HEADER = """\
{#- Generated from the connector's tables. Do not edit; run
    `.venv/bin/python -m scripts.generate_dbt`. -#}
"""


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Write the macros, or compare them with the committed ones."""
    parser = argparse.ArgumentParser("python -m scripts.generate_dbt", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the committed file differs")
    if parser.parse_args(arguments).check:
        check(FILE)
    else:
        FILE.write_text(render_macros())


def check(file: Path) -> None:
    """Print how a file differs from the macros of today's connector, and fail if it does."""
    committed = file.read_text() if file.exists() else ""
    difference = list(
        unified_diff(
            committed.splitlines(keepends=True),
            render_macros().splitlines(keepends=True),
            f"committed/{file.name}",
            f"generated/{file.name}",
        )
    )
    sys.stdout.writelines(difference)
    if difference:
        raise CommandError(
            f"{file.name} is out of date: run `.venv/bin/python -m scripts.generate_dbt`."
        )


def render_macros() -> str:
    """The content of the generated file."""
    requiring = defaultdict(list)
    for selected, required in configuration.REQUIRED_TABLES.items():
        requiring[required].append(selected)
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
            dict(requiring),
        ),
        (
            "report_quota_tables",
            "The raw tables of the reports that count against Klaviyo's daily report quota.",
            [one.table.name for one in streams.STREAMS if isinstance(one, ReportStream)],
        ),
    )
    return "\n".join([HEADER, *(_render_macro(*macro) for macro in macros)])


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
