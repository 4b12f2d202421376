"""Renders the generated documents from the templates in `templates/`."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """Render the template of that name."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - Markdown of our own names, no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": _format_code, "columns": _format_columns, "cell": _format_cell}
    return environment.get_template(template).render(values)


def _format_code(names: str | Iterable[str]) -> str:
    """Names as inline code, or a dash for none."""
    listed = [names] if isinstance(names, str) else names
    return ", ".join(f"`{name}`" for name in listed if name) or "–"


def _format_columns(names: Iterable[str]) -> str:
    """Columns as `column` (its tables), or a dash for none."""
    tables = defaultdict(list)
    for name in names:
        table, _, column = name.partition(".")
        tables[column].append(table)
    return ", ".join(f"`{column}` ({', '.join(of)})" for column, of in tables.items()) or "–"


def _format_cell(text: str) -> str:
    """Text of a table cell, with pipes escaped."""
    return text.replace("|", "\\|") or "–"
