"""Snowflake: Parquet by PUT into an internal stage, COPY into a transient table, then MERGE.

With the setting `stage` the files are in a bucket instead, from which COPY reads them.

    database                        names are upper case, so that they need no quotes
    ├── SHOP                        the tables of stream `shop`
    ├── _SIMPLYLOAD                 lease, loads, tables, rejected
    └── _SIMPLYLOAD_STAGE           transient; what is in it belongs to a load that is not committed
        ├── LOADS                   internal stage: <stage table>/<n>.parquet
        └── STAGE_<load>_<n>_SHOP   changes of one table

A DDL statement commits the transaction that is open, so none is sent within one. Snowflake enforces
no key: what other destinations leave to a primary key is done here under a lock.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from simplyload.catalog import sql_type
from simplyload.changes import Table
from simplyload.destinations.destination import Lease, Load, Staged
from simplyload.destinations.snowflake_files import (
    INTEGRATION,
    STAGE,
    STAGE_IN_BUCKET,
    STAGE_SCHEMA,
    copy_into,
    create_stage_in_bucket,
    read_by_integration,
)
from simplyload.destinations.snowflake_login import (
    SnowflakeSettings,
    load_driver,
    read_private_key,
)
from simplyload.destinations.snowflake_sql import (
    VARCHAR_LENGTH,
    SnowflakeSql,
    create_stage,
    to_upper,
)
from simplyload.destinations.sql import Shape
from simplyload.destinations.warehouse import read_spelled, write_files
from simplyload.errors import DestinationError
from simplyload.gather import read_as
from simplyload.store import Store

# The row of the leases that a run locks before it looks for its own.
_LOCK = "UPDATE _SIMPLYLOAD.LEASE SET EPOCH = 0 WHERE STREAM = ''"
_MAKE_LOCK = "INSERT INTO _SIMPLYLOAD.LEASE (STREAM, EPOCH) VALUES ('', 0)"
_SESSION = {
    "AUTOCOMMIT": True,
    "TIMEZONE": "UTC",
    # A statement whose client was killed ends after five minutes, and does not wait for a lock for
    # twelve hours, the default.
    "ABORT_DETACHED_QUERY": True,
    "LOCK_TIMEOUT": 1800,
}
_INSUFFICIENT_PRIVILEGES = 3001


class SnowflakeDestination(SnowflakeSql):
    """A Snowflake database; the role may create schemas in it."""

    def __init__(self, settings: SnowflakeSettings, bucket: Store | None = None) -> None:
        super().__init__(settings.names, settings.varchar_length)
        self._settings = settings
        self._bucket = bucket
        self._driver = load_driver()
        self._open: Any = None

    def check(self) -> None:
        """Raise DestinationError where the role has no warehouse or database for a first load."""
        settings = self._settings
        found = self._run("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE()")[0][0]
        wanted = {
            "role": settings.role,
            "warehouse": settings.warehouse,
            "database": settings.database,
        }
        for (key, name), present in zip(wanted.items(), found, strict=True):
            if present is None:
                raise DestinationError(
                    f"destination.{key}: there is no {key} {name} that user {settings.user} may"
                    " use: have an administrator run what `simplyload setup snowflake` prints"
                )

        if self._bucket:
            self._bucket.check()
            self._check_reading(self._bucket)

    def _check_reading(self, bucket: Store) -> None:
        """Let Snowflake read an object that was put into the bucket."""
        name = f".check-{uuid.uuid4().hex}"
        bucket.write(name, b"SimplyLoad looks whether Snowflake may read here.")
        try:
            [(answer,)], _ = self._run(read_by_integration(bucket.address, name))
        except DestinationError as error:
            raise _unreadable(bucket.address, str(error)) from error
        finally:
            bucket.delete([name])
        found = json.loads(answer)
        if found["status"] != "success":
            raise _unreadable(bucket.address, found["actions"]["READ"]["message"])

    def acquire(self, stream: str, above: int = 0) -> Lease:
        """Take the lease under a lock: no key keeps two runs from inserting its first row."""
        self._prepare()
        if not self._execute(_LOCK):
            self._execute(_MAKE_LOCK)
        with self._transaction():
            self._execute(_LOCK)
            return super().acquire(stream, above)

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has)."""
        query, held = self._scan_query(schema, table)
        if query:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                parts = cursor.fetch_arrow_batches(force_microsecond_precision=True)
                yield held.empty_table()
                for part in parts:
                    yield from list(read_as(part.to_reader(), held))[1:]

    @property
    def _connection(self) -> Any:
        if self._open is None:
            try:
                self._open = self._driver.connect(**self._login())
            except self._driver.Error as error:
                raise DestinationError(
                    f"Snowflake's account {self._settings.account} cannot be reached as user "
                    f"{self._settings.user}: {_reason(error)}. Check account and network, or have "
                    "an administrator run what `simplyload setup snowflake` prints."
                ) from error
        return self._open

    def _login(self) -> dict[str, Any]:
        settings = self._settings
        place = {"host": settings.host, "port": settings.port, "protocol": settings.protocol}
        return {
            "account": settings.account,
            "user": settings.user,
            "authenticator": "SNOWFLAKE_JWT",
            "private_key": read_private_key(settings),
            "role": settings.role,
            "warehouse": settings.warehouse,
            "database": settings.database,
            "application": "simplyload",
            # Without a limit the connector tries a server that is away again for ever.
            "login_timeout": 60,
            "network_timeout": 300,
            "session_parameters": {**_SESSION, "QUERY_TAG": settings.query_tag},
            **{name: value for name, value in place.items() if value is not None},
        }

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(statement)
                rows = cursor.fetchall()
            except self._driver.Error as error:
                remedy = (
                    ". Have an administrator run what `simplyload setup snowflake` prints"
                    if error.errno == _INSUFFICIENT_PRIVILEGES
                    else ""
                )
                raise DestinationError(f"Snowflake refuses: {_reason(error)}{remedy}") from error
            return rows, cursor.rowcount or 0

    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:
        name = exp.Literal.string(to_upper(schema)).sql(self.dialect)
        rows, _ = self._run(
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale"  # noqa: S608
            f" FROM information_schema.columns WHERE table_schema = {name}"
            " ORDER BY table_name, ordinal_position"
        )
        return [
            (table, column, f"NUMBER({digits}, {scale})" if kind == "NUMBER" else kind)
            for table, column, kind, digits, scale in rows
        ]

    def _prepare(self) -> None:
        """Create the schemas of metadata and stages where they are absent."""
        if not self._exists():
            self.check()
            self._create_stage_schema()
            self._execute(f"CREATE STAGE IF NOT EXISTS {STAGE}")
        super()._prepare()

    def _fit(self, shape: Shape, *, freeze: bool) -> Mapping[str, pa.DataType | None]:
        """Create or change the target; lengthen text of before `varchar_length` was set."""
        held = super()._fit(shape, freeze=freeze)
        if shape.existing is not None and self._varchar_length != VARCHAR_LENGTH:
            for name in self._list_short(shape):
                column = exp.column(name, quoted=True)
                kind = self._with_length(sql_type(pa.string(), self.dialect))
                alter = exp.AlterColumn(this=column, dtype=kind)
                self._execute(exp.Alter(this=shape.table, kind="TABLE", actions=[alter]))
        return held

    def _list_short(self, shape: Shape) -> list[str]:
        """List the text columns of a load that hold less than `varchar_length`."""
        schema, table = (
            exp.Literal.string(to_upper(name)).sql(self.dialect)
            for name in (shape.table.db, shape.table.name)
        )
        rows, _ = self._run(
            "SELECT column_name FROM information_schema.columns"  # noqa: S608
            f" WHERE table_schema = {schema} AND table_name = {table}"
            f" AND data_type = 'TEXT' AND character_maximum_length < {self._varchar_length}"
        )
        names = {to_upper(name) for name in shape.wanted}
        return [name for (name,) in rows if name in names]

    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        """Copy exactly the files of this load into a transient table of its own."""
        stage = self._add_stage(load)
        changes = read_spelled(staged, names, str.upper)
        kinds = {
            field.name: self._with_length(sql_type(field.type, self.dialect))
            for field in changes.schema
        }
        self._execute(create_stage(stage, kinds, place=self._place))
        with tempfile.TemporaryDirectory() as folder:
            files = write_files(changes, Path(folder))
            for path in files:
                self._upload(path, stage.name)
        if self._bucket:
            self._execute(create_stage_in_bucket(self._bucket.address))
        source = STAGE_IN_BUCKET if self._bucket else STAGE
        self._execute(copy_into(stage, [path.name for path in files], source))
        return stage

    def _upload(self, path: Path, folder: str) -> None:
        if self._bucket:
            self._bucket.copy(path, f"{folder}/{path.name}")
            return
        self._execute(
            f"PUT 'file://{path.as_posix()}' @{STAGE}/{folder}/"
            " AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
        )

    @property
    def _place(self) -> str:
        """Return the bucket of a load's files, or nothing where Snowflake stores them itself."""
        return self._bucket.address if self._bucket else ""

    def drop_orphans(
        self,
        stream: str,
        before: datetime,  # noqa: ARG002
        *,
        dry_run: bool = False,  # noqa: ARG002
    ) -> list[str]:
        """Name the folders of files that an earlier setting put into another bucket.

        Their stages stay: by them a run with that setting finds the files and removes both.
        """
        places = self._read_places()
        elsewhere = [name for name, place in places.items() if place not in ("", self._place)]
        return [
            f"{name} stays: its files are in {places[name]}/{name}/, which is not below `stage`"
            " now; `simplyload clean` with the `stage` of before removes both"
            for name in self._find_stages(stream, elsewhere)
        ]

    def _list_stages(self) -> list[str]:
        """List those whose files this run can remove."""
        places = self._read_places()
        return [name for name, place in places.items() if place in ("", self._place)]

    def _read_places(self) -> dict[str, str]:
        """Return the bucket of the files of each stage."""
        rows, _ = self._run(
            "SELECT table_name, comment FROM information_schema.tables"  # noqa: S608
            f" WHERE table_schema = '{STAGE_SCHEMA}'"
        )
        return {name: comment if "://" in (comment or "") else "" for name, comment in rows}

    def _drop_stage(self, stage: exp.Table) -> None:
        """Remove the files first: the table is what a later run finds."""
        if self._bucket:
            self._bucket.delete(self._bucket.names(stage.name))
        self._execute(f"REMOVE @{STAGE}/{stage.name}/")  # also where an earlier setting put them
        self._execute(f"DROP TABLE IF EXISTS {stage.sql(self.dialect)}")


def _unreadable(address: str, reason: str) -> DestinationError:
    return DestinationError(
        f"destination.stage: Snowflake cannot read {address} by the storage integration"
        f" {INTEGRATION}: {reason}. Have an administrator run what `simplyload setup snowflake"
        " --aws-role arn:aws:iam::...` prints, and let the trust policy of that role name what"
        f" `describe integration {INTEGRATION}` shows"
    )


def _reason(error: Any) -> str:
    """Return Snowflake's message and the id of the query, by which its history has the details."""
    message = " ".join(str(error.raw_msg or error).split())
    return f"{message} (query {error.sfqid})" if error.sfqid else message
