"""A Snowflake server on this machine: fakesnow, which runs Snowflake's SQL on DuckDB.

The real connector speaks to it over HTTP. What fakesnow 0.12 does otherwise than Snowflake is
replaced here, each with its reason; what it does not do at all is in docs/snowflake.md.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
from fakesnow import arrow, copy_into, cursor, transforms
from fakesnow import server as start_server
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.server import sessions
from fakesnow.transforms import stage
from fakesnow.variables import Variables
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

# The storage integrations of the account, each with the locations that it allows.
INTEGRATIONS = {"SIMPLYLOAD": "file:///"}


@contextmanager
def run_fake() -> Iterator[dict[str, Any]]:
    """Serve until the end; yield host, port and protocol."""
    connect = FakeSnow.connect
    execute, to_struct = FakeSnowflakeCursor._execute, arrow.timestamp_to_sf_struct  # noqa: SLF001

    def execute_merge(self: Any, statement: exp.Expr, params: Any = None) -> None:
        """Let DuckDB execute MERGE: fakesnow's own knows only plain columns, and no BEGIN."""
        execute(self, statement, params)
        if isinstance(statement, exp.Merge):
            count = self._arrow_table[0][0].as_py()
            self._last_sql = cursor.SQL_INSERTED_ROWS.substitute(count=count)

    def keep_nulls(times: Any) -> pa.StructArray:
        """Keep a NULL: fakesnow answers 1970."""
        struct: Any = to_struct(times)
        mask = times.combine_chunks().is_null()
        return pa.StructArray.from_arrays(struct.flatten(), fields=list(struct.type), mask=mask)

    def connect_alone(self: Any, *args: Any, **options: Any) -> Any:
        """Roll back what killed clients left open, as Snowflake does after some minutes."""
        for session in list(sessions.values()):
            with suppress(duckdb.Error):
                session._duck_conn.rollback()  # noqa: SLF001
        return connect(self, *args, **options)

    strip = copy_into._strip_json_extract  # noqa: SLF001

    def strip_quoted(select: exp.Select) -> exp.Select:
        """Keep the quotes of `$1:"a name"`."""
        names = {key.this for key in select.find_all(exp.JSONPathKey)}
        for identifier in strip(select).find_all(exp.Identifier):
            identifier.set("quoted", identifier.this in names)
        return select

    with (
        patch.object(FakeSnow, "connect", connect_alone),
        patch.object(copy_into, "_strip_json_extract", strip_quoted),
        # A `$` within quotes begins no variable.
        patch.object(Variables, "inline_variables", lambda _, sql: _translate(sql)),
        patch.object(transforms, "merge", lambda statement: [statement]),
        patch.object(FakeSnowflakeCursor, "_execute", execute_merge),
        patch.object(arrow, "timestamp_to_sf_struct", keep_nulls),
        # FILES names files of external stages alone.
        patch.object(copy_into, "_source_urls", lambda folder, files: [folder + f for f in files]),
        start_server() as address,
    ):
        yield {key: address[key] for key in ("host", "port", "protocol")}


def _translate(sql: str) -> str:
    """Do what fakesnow has not: REMOVE, the names of role and warehouse, a session's time zone."""
    if sql.startswith("ALTER SESSION SET TIMEZONE"):
        return "SELECT 'it is UTC' AS result"
    for function in ("CURRENT_ROLE()", "CURRENT_WAREHOUSE()"):
        sql = sql.replace(function, "'SIMPLYLOAD'")
    if found := re.fullmatch(r"SELECT SYSTEM\$VALIDATE_STORAGE_INTEGRATION\((.*), 'read'\)", sql):
        return _read_by_integration(*re.findall("'([^']*)'", found[1]))
    if not (found := re.fullmatch(r"REMOVE @(\w+)\.(\w+)/(\w+)/", sql)):
        return sql
    for folder in Path(stage.LOCAL_BUCKET_PATH).glob("*/{}/{}/{}".format(*found.groups())):
        shutil.rmtree(folder)
    return "SELECT 'removed' AS result"


def _read_by_integration(name: str, place: str, file: str) -> str:
    """Read a file of this machine as Snowflake reads one of a bucket; its answers are documented.

    https://docs.snowflake.com/en/sql-reference/functions/system_validate_storage_integration
    """
    if not place.startswith(INTEGRATIONS.get(name, "nowhere")):
        raise ProgrammingError(
            f"SQL compilation error:\nIntegration '{name}' does not exist or not authorized.",
            errno=2003,
            sqlstate="02000",
        )
    denied = {"message": "Access Denied (Status Code: 403; Error Code: AccessDenied)"}
    there = Path(place.removeprefix("file://"), file).exists()
    read = {"status": "success"} if there else {**denied, "status": "failure"}
    answer = {"status": read["status"], "actions": {"READ": read}}
    return f"SELECT '{json.dumps(answer)}' AS result"
