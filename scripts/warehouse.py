"""Reads the marts from the engine that dbt built them in: DuckDB, Postgres or BigQuery."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from scripts import clouds
from scripts.command import CommandError, Settings, SettingsError, UsageError

Row = tuple[Any, ...]
Target = Literal["duckdb", "postgres", "bigquery"]
TARGETS: tuple[Target, ...] = get_args(Target)


class WarehouseSettings(Settings):
    """The warehouse; names and defaults are those of `dbt_project/profiles.yml`."""

    dbt_target: Target = "duckdb"

    klaviyo_warehouse: Path = Path("build/warehouse.duckdb")

    pg_host: str = "localhost"
    pg_port: int = 5432
    pg_user: str = "postgres"
    pg_password: SecretStr = SecretStr("")
    pg_database: str = "postgres"
    pg_schema: str = "klaviyo"

    bq_project: str = ""
    bq_dataset: str = "klaviyo"
    bq_location: str = "US"
    bq_maximum_bytes_billed: int = 10_000_000_000

    def as_env(self) -> dict[str, str]:
        """The settings that the target uses, by environment variable."""
        prefix = {"duckdb": "KLAVIYO_", "postgres": "PG_", "bigquery": "BQ_"}[self.dbt_target]
        used = ("DBT_TARGET", prefix)
        return {name: value for name, value in super().as_env().items() if name.startswith(used)}

    def problems(self, *, is_read: bool = True) -> list[str]:
        """What the target lacks, each as a sentence: settings and, if it is read, its client."""
        if self.dbt_target != "bigquery":
            return []
        unset = [] if self.bq_project else ["BQ_PROJECT is not set"]
        return unset + (clouds.find_missing("BigQuery", "google.cloud.bigquery") if is_read else [])


@dataclass(frozen=True)
class Warehouse:
    """A schema with marts. `relation` is the template of a mart's qualified name."""

    relation: str
    query: Callable[[str], Iterable[Row]]
    describe: Callable[[], Mapping[str, Mapping[str, str]]]

    def mart(self, name: str) -> str:
        """The qualified name of a mart in SQL."""
        return self.relation.format(name)

    def columns(self, mart: str) -> Mapping[str, str]:
        """The columns of a mart in order, each with its DuckDB type."""
        marts = self.describe()
        if mart not in marts:
            names = ", ".join(sorted(marts)) or "none at all"
            raise UsageError(f"There is no mart {mart} here, but {names}.")
        return marts[mart]


@contextmanager
def open_warehouse(settings: WarehouseSettings) -> Iterator[Warehouse]:
    """Open the warehouse for reading; an error of the engine becomes a one-line CommandError."""
    if settings.problems():
        raise SettingsError(settings.problems())
    engines = {"duckdb": _open_duckdb, "postgres": _open_postgres, "bigquery": _open_bigquery}
    try:
        with engines[settings.dbt_target](settings) as warehouse:
            yield warehouse
    except (duckdb.Error, psycopg.Error) as error:
        raise _describe_failure(settings, error) from None


def _describe_failure(settings: WarehouseSettings, error: Exception) -> CommandError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CommandError(f"The {settings.dbt_target} warehouse failed: {reason}")


@contextmanager
def _open_duckdb(settings: WarehouseSettings) -> Iterator[Warehouse]:
    path = settings.klaviyo_warehouse
    if not path.exists():
        raise CommandError(f"{path} is missing: sync first, or set KLAVIYO_WAREHOUSE.")
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")

        def query(sql: str) -> Iterator[Row]:
            cursor = connection.execute(sql)
            while rows := cursor.fetchmany(10_000):
                yield from rows

        yield Warehouse("klaviyo.{}", query, lambda: _describe_schema(query, "klaviyo"))


@contextmanager
def _open_postgres(settings: WarehouseSettings) -> Iterator[Warehouse]:
    schema = settings.pg_schema
    with psycopg.connect(postgres_conninfo(settings)) as connection:
        connection.read_only = True

        # stream() reads row by row; execute() would hold the whole result in memory.
        def query(sql: str) -> Iterator[Row]:
            return connection.cursor().stream(sql)

        yield Warehouse(f'"{schema}".{{}}', query, lambda: _describe_schema(query, schema))


def postgres_conninfo(settings: WarehouseSettings) -> str:
    """The connection string of Postgres; its sessions use UTC."""
    return make_conninfo(
        host=settings.pg_host,
        port=settings.pg_port,
        user=settings.pg_user,
        password=settings.pg_password.get_secret_value(),
        dbname=settings.pg_database,
        options="-c TimeZone=UTC",
    )


def _describe_schema(
    query: Callable[[str], Iterable[Row]], schema: str
) -> dict[str, dict[str, str]]:
    """Read the columns of a schema's tables; DuckDB understands Postgres's type names too."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in query(f"""
        select table_name, column_name, data_type from information_schema.columns
        where table_schema = '{schema}' order by table_name, ordinal_position
    """):  # noqa: S608 - the schema is a setting
        tables.setdefault(table, {})[column] = kind
    return tables


@contextmanager
def _open_bigquery(settings: WarehouseSettings) -> Iterator[Warehouse]:
    from scripts import bigquery  # noqa: PLC0415 - `make demo` does not install its client

    try:
        with bigquery.open_bigquery(settings) as warehouse:
            yield warehouse
    except bigquery.ERRORS as error:
        raise _describe_failure(settings, error) from None
