"""The COPY that reads exactly a load's files into Snowflake."""

import json
from collections.abc import Iterable, Mapping, Sequence

from sqlglot import exp

from simplyload.changes import COLS
from simplyload.merge import WHOLE

STAGE_SCHEMA = "_SIMPLYLOAD_STAGE"
STAGE = f"{STAGE_SCHEMA}.LOADS"
STAGE_IN_BUCKET = f"{STAGE_SCHEMA}.LOADS_IN_BUCKET"
BUCKET = f"{STAGE_SCHEMA}.BUCKET"
INTEGRATION = "SIMPLYLOAD"
# Without USE_LOGICAL_TYPE a timestamp is a number whose unit Snowflake guesses, and bytes are text
# without BINARY_AS_TEXT = FALSE.
_FORMAT = "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)"
_OR_FAIL = "ON_ERROR = ABORT_STATEMENT"
# A list of Parquet is `["a"]` to Snowflake, or `{"list":[{"element":"a"}]}`. With these replaced,
# each name stands between commas in both forms, and no key of an object does.
_MARKS = (("[", ","), ("]", ","), ("}", ","), ('":"', '":,"'))


def copy_into(stage: exp.Table, files: Iterable[str], place: str = STAGE) -> str:
    """Return the COPY of these files alone; its load history keeps it from loading twice."""
    return (
        f"COPY INTO {stage.sql('snowflake')} FROM @{place}/{stage.name}/ {_list(files)}"
        f" {_FORMAT} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE {_OR_FAIL}"
    )


def create_stage_in_bucket(address: str) -> str:
    """Return the statement that lets this session copy from a bucket.

    The stage ends with the session, so that none keeps the address of an earlier bucket. A COPY
    that names the address itself is refused where PREVENT_LOAD_FROM_INLINE_URL is set.
    """
    return (
        f"CREATE OR REPLACE TEMPORARY STAGE {STAGE_IN_BUCKET} URL = {_text(f'{address}/')}"
        f" STORAGE_INTEGRATION = {INTEGRATION}"
    )


def read_by_integration(address: str, file: str) -> str:
    """Return the query by which Snowflake reads a file of the bucket; it answers JSON.

    https://docs.snowflake.com/en/sql-reference/functions/system_validate_storage_integration
    """
    arguments = ", ".join(map(_text, (INTEGRATION, f"{address}/", file, "read")))
    return f"SELECT SYSTEM$VALIDATE_STORAGE_INTEGRATION({arguments})"


def copy_from_bucket(
    stage: exp.Table,
    kinds: Mapping[str, exp.DataType],
    files: Iterable[str],
    lacking: Sequence[str],
) -> str:
    """Return the COPY of files of the log, which have the source's names and lack some columns.

    `kinds` are the types of the stage by the name in the files, in the order of its columns. A
    whole row of a file that lacks a column does not carry it.
    """
    present = [name for name in kinds if name not in lacking]
    values = [
        _read_names(lacking and [*present, WHOLE])
        if name == COLS
        else f"{_field(name) if name in present else 'NULL'}::{kind.sql('snowflake')}"
        for name, kind in kinds.items()
    ]
    rows = f"(SELECT {', '.join(values)} FROM @{BUCKET}/)"  # noqa: S608 - names are quoted
    return f"COPY INTO {stage.sql('snowflake')} FROM {rows} {_list(files)} {_FORMAT} {_OR_FAIL}"


def spell_in_json(name: str) -> str:
    """Return a name as it is within `_cols` that `copy_from_bucket` has read as text."""
    text = json.dumps(name, ensure_ascii=False)
    for mark, other in _MARKS:
        text = text.replace(mark, other)
    return f",{text},"


def _read_names(of_whole_rows: Sequence[str]) -> str:
    """Read `_cols` as text; NULL is a whole row, which has these names if there are any."""
    value = f"TO_JSON({_field(COLS)})"
    for mark, other in _MARKS:
        value = f"REPLACE({value}, {_text(mark)}, {_text(other)})"
    if not of_whole_rows:
        return value
    return f"COALESCE({value}, {_text(''.join(map(spell_in_json, of_whole_rows)))})"


def _field(name: str) -> str:
    return "$1:" + exp.to_identifier(name, quoted=True).sql("snowflake")


def _list(files: Iterable[str]) -> str:
    return f"FILES = ({', '.join(map(_text, files))})"


def _text(value: str) -> str:
    return exp.Literal.string(value).sql("snowflake")
