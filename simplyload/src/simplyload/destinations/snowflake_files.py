"""The COPY that reads exactly a load's files into Snowflake."""

from sqlglot import exp

STAGE_SCHEMA = "_SIMPLYLOAD_STAGE"
STAGE = f"{STAGE_SCHEMA}.LOADS"


def copy_into(stage: exp.Table, files: list[str]) -> str:
    """Give the COPY of these files alone; Snowflake's load history keeps it from loading twice.

    Without USE_LOGICAL_TYPE a timestamp is a number whose unit Snowflake guesses, and bytes are
    text without BINARY_AS_TEXT = FALSE.
    """
    names = ", ".join(f"'{name}'" for name in files)
    return (
        f"COPY INTO {stage.sql('snowflake')} FROM @{STAGE}/{stage.name}/ FILES = ({names})"
        " FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)"
        " MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE ON_ERROR = ABORT_STATEMENT"
    )
