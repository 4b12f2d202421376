"""Snowflake's SQL: names, types and stages, whether it is sent or printed."""

from collections.abc import Mapping

import pyarrow as pa
from sqlglot import exp

from simplyload.catalog import TARGET_METADATA, Dialect, Names
from simplyload.destinations.destination import Limits
from simplyload.destinations.snowflake_files import STAGE_SCHEMA
from simplyload.destinations.sql import Shape
from simplyload.destinations.warehouse import WarehouseDestination

# Of a VARCHAR without a length: https://docs.snowflake.com/en/sql-reference/data-types-text
VARCHAR_LENGTH = 16 << 20


class SnowflakeSql(WarehouseDestination):
    """What a load's statements are; a subclass knows where they go, and where the files are."""

    dialect: Dialect = "snowflake"
    product = "Snowflake"
    stage_schema = STAGE_SCHEMA

    def __init__(self, names: Names | None = None, varchar_length: int = VARCHAR_LENGTH) -> None:
        super().__init__(names)
        self._varchar_length = varchar_length
        # Read and written as every other name in lower case; see `_rename`.
        self._names = {name: self._names.get(name, name).upper() for name in TARGET_METADATA}

    @property
    def limits(self) -> Limits:
        """Return the lengths of VARCHAR and BINARY, as the tables have them."""
        return Limits(max_value_bytes=self._varchar_length, max_binary_bytes=8 << 20)

    def _with_length(self, kind: exp.DataType) -> exp.DataType:
        """Return a type for a column: text with its length where that is not the default."""
        if kind.this != exp.DType.TEXT or self._varchar_length == VARCHAR_LENGTH:
            return kind
        return exp.DataType.build(f"VARCHAR({self._varchar_length})", dialect=self.dialect)

    def _create_stage_schema(self) -> None:
        """Create the schema of what belongs to a load that is not committed."""
        self._execute(
            f"CREATE TRANSIENT SCHEMA IF NOT EXISTS {STAGE_SCHEMA} DATA_RETENTION_TIME_IN_DAYS = 0"
        )

    def _widen(self, shape: Shape, column: str, kind: exp.DataType) -> None:
        """Widen a number in place; Snowflake changes neither its scale nor a number to text."""
        old = (shape.existing or {}).get(column)
        new = shape.wanted[column]
        if kind.this != exp.DType.DECIMAL or _scale(old) != _scale(new):
            raise self._refuse_widening(shape, column, kind)
        super()._widen(shape, column, kind)

    def _in_case(self, name: str) -> str:
        return name.upper()

    def _rename(self, statement: exp.Expr) -> exp.Expr:
        """Write every name that is in lower case in upper case, as the catalog names columns."""
        return super()._rename(statement).transform(self._rename_node)

    def _rename_node(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.ColumnDef) and node.kind:
            node.set("kind", self._with_length(node.kind))
        if isinstance(node, exp.Identifier):
            return exp.to_identifier(to_upper(node.name), quoted=True)
        return node


def create_stage(
    stage: exp.Table, kinds: Mapping[str, exp.DataType], *, again: bool = False, place: str = ""
) -> str:
    """Return the statement that makes the table into which a load's files are copied.

    `again` replaces one that is there, with its load history. `place` is the bucket of the files.
    """
    definitions = ", ".join(
        f"{exp.to_identifier(name, quoted=True).sql('snowflake')} {kind.sql('snowflake')}"
        for name, kind in kinds.items()
    )
    create = "CREATE OR REPLACE" if again else "CREATE"
    comment = f" COMMENT = {exp.Literal.string(place).sql('snowflake')}" if place else ""
    return f"{create} TRANSIENT TABLE {stage.sql('snowflake')} ({definitions}){comment}"


def to_upper(name: str) -> str:
    """Return a name as Snowflake has it where no quotes are around it."""
    return name.upper() if name == name.lower() else name


def _scale(kind: pa.DataType | None) -> int:
    return kind.scale if isinstance(kind, pa.Decimal128Type) else 0
