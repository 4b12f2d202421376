"""Postgres 15 and later: COPY by ADBC into temporary tables, then MERGE."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi
from psycopg2.extensions import make_dsn
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlglot import exp

from simplyload.catalog import Dialect, Names
from simplyload.changes import Table
from simplyload.destinations.destination import Limits, Load, Staged
from simplyload.destinations.sql import CONSTRAINT_REMEDY, SqlDestination
from simplyload.errors import DestinationError
from simplyload.gather import read_as, read_conformed

# A role's or server's own settings must not end a load half-way.
_OPTIONS = (
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c TimeZone=UTC"
    " -c client_min_messages=warning"
)


class PostgresTargetSettings(BaseModel):
    """The section `destination` with `type: postgres`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["postgres"] = "postgres"
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = 5432
    database: str = Field(min_length=1)
    user: str = Field(min_length=1)
    password: SecretStr = SecretStr("")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: str | None = None
    names: Names = Names()


class PostgresDestination(SqlDestination):
    """A Postgres database; the role may create schemas in it."""

    dialect: Dialect = "postgres"

    def __init__(self, settings: PostgresTargetSettings) -> None:
        super().__init__(settings.names)
        self._settings = settings
        self._open: dbapi.Connection | None = None

    @property
    def limits(self) -> Limits:
        """Return Postgres's own limits: 1 GB a value, no character NUL in text."""
        return Limits(max_value_bytes=2**30 - 2**20, nul_in_text=False)

    def check(self) -> None:
        """Raise DestinationError where the role may not create the schemas of a first load."""
        may = self._run("SELECT has_database_privilege(current_database(), 'CREATE')")[0]
        if may != [(True,)] and not self._exists():
            database, user = (
                exp.to_identifier(name, quoted=True).sql("postgres")
                for name in (self._settings.database, self._settings.user)
            )
            raise DestinationError(
                f"The role {self._settings.user} may not create schemas: have the owner run"
                f" GRANT CREATE ON DATABASE {database} TO {user};"
            )

    def scan(self, schema: str, table: Table) -> Iterator[pa.Table]:
        """Yield the table's rows that are not marked deleted (the business columns it has)."""
        query, held = self._scan_query(schema, table)
        if query:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                yield from read_as(cursor.fetch_record_batch(), held)

    @property
    def _connection(self) -> dbapi.Connection:
        if self._open is None:
            try:
                self._open = dbapi.connect(self._dsn(), autocommit=True)
            except DriverError as error:
                raise DestinationError(
                    f"Postgres at {self._settings.host}:{self._settings.port} cannot be reached "
                    f"as {self._settings.user}: {_reason(error)}"
                ) from error
        return self._open

    def _dsn(self) -> str:
        settings = self._settings
        return make_dsn(
            host=settings.host,
            port=settings.port,
            dbname=settings.database,
            user=settings.user,
            password=settings.password.get_secret_value() or None,
            sslmode=settings.sslmode,
            sslrootcert=settings.sslrootcert,
            application_name="simplyload",
            options=_OPTIONS,
        )

    def _run(self, statement: str) -> tuple[list[tuple[Any, ...]], int]:
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
            except DriverError as error:
                remedy = f". {CONSTRAINT_REMEDY}" if _is_constraint(error) else ""
                raise DestinationError(f"Postgres refuses: {_reason(error)}{remedy}") from error
            return rows, cursor.rowcount

    def _list_columns(self, schema: str) -> list[tuple[str, str, str]]:
        name = exp.Literal.string(schema).sql("postgres")
        return [
            (table, column, kind)
            for table, column, kind in self._run(
                "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"  # noqa: S608
                " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
                f" WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {name})"
                " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0"
                " AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
            )[0]
        ]

    def _stage(self, load: Load, staged: Staged, names: Mapping[str, str]) -> exp.Table:
        """Copy the changes into a temporary table, which ends with the connection."""
        stage = self._add_stage(load)
        with self._connection.cursor() as cursor:
            try:
                reader = read_conformed(staged, names)
                cursor.adbc_ingest(stage.name, reader, mode="create", temporary=True)
            except DriverError as error:
                raise DestinationError(
                    f"Postgres refuses changes of {staged.table.name}: {_reason(error)}"
                ) from error
        self._execute(f"ANALYZE {stage.sql(self.dialect)}")
        return stage

    def _table_constraints(self, key: Sequence[str]) -> list[exp.Expr]:
        return [exp.PrimaryKey(expressions=[exp.column(name, quoted=True) for name in key])]


def _reason(error: DriverError) -> str:
    """Return the server's own message and detail, without the statement and its values.

    The detail of a constraint is a row, and messages go to logs, alerts and `/healthz`.
    """
    details = {_decode(name): _decode(value) for name, value in error.details or ()}
    message = details.get("PG_DIAG_MESSAGE_PRIMARY") or str(error).rpartition("[libpq] ")[2]
    detail = None if _is_constraint(error) else details.get("PG_DIAG_MESSAGE_DETAIL")
    return " ".join(f"{message} ({detail})".split()) if detail else " ".join(message.split())


def _is_constraint(error: DriverError) -> bool:
    return (error.sqlstate or "").startswith("23")


def _decode(text: str | bytes) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
