"""What several commands need of DuckDB's SQL."""

from pathlib import Path

from duckdb import DuckDBPyRelation

# A spreadsheet takes text that begins with one of these for a formula (OWASP, CSV Injection), also
# in full width.
FORMULA_START = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"


def quote(text: str | Path) -> str:
    """A text or path as a string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def defuse_formulas(rows: DuckDBPyRelation) -> DuckDBPyRelation:
    """The rows with an apostrophe before each text that a spreadsheet would run as a formula.

    Only texts are changed: a negative number stays a number.
    """
    texts = [
        f'"{name}"'
        for name, kind in zip(rows.columns, rows.types, strict=True)
        if str(kind) == "VARCHAR"
    ]
    defused = ", ".join(
        f"if(regexp_matches({text}, {quote(FORMULA_START)}), '''' || {text}, {text}) as {text}"
        for text in texts
    )
    return rows.project(f"* replace ({defused})") if texts else rows
