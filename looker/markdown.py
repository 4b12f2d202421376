"""Renders the generated documents from the templates in `templates/`."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDTH = 110  # of a line of text, which fits a window at normal width
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
    environment.filters |= {"code": format_code, "cell": _format_cell, "wrap": _wrap}
    return environment.get_template(template).render(values)


def format_code(names: str | Iterable[str]) -> str:
    """Names as inline code, or a dash for none."""
    listed = [names] if isinstance(names, str) else names
    return ", ".join(f"`{name}`" for name in listed if name) or "–"


def format_columns(names: Iterable[str]) -> str:
    """Columns as `column` (its tables), or a dash for none."""
    tables = defaultdict(list)
    for name in names:
        table, _, column = name.partition(".")
        tables[column].append(table)
    return ", ".join(f"`{column}` ({', '.join(of)})" for column, of in tables.items()) or "–"


def _format_cell(text: str) -> str:
    """Text of a table cell, with pipes escaped."""
    return text.replace("|", "\\|") or "–"


def _wrap(text: str, indent: str = "") -> str:
    """Text in lines of at most WIDTH, all but the first indented."""
    return fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
