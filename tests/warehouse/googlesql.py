"""GoogleSQL, BigQuery's own analyser and reference evaluator, on tables in memory.

The package `zetasql` is Google's C++ code compiled to WebAssembly. It does not show what only the
service has: quotas, slots, prices, and which partitions a query reads.
"""

import ctypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import cache
from typing import Any, TypeVar
from unittest import mock

import wasmtime
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError as SqlError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public.builtin_function_pb2 import FunctionSignatureId
from zetasql.wasi._pb2.zetasql.public.options_pb2 import PRODUCT_EXTERNAL
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TYPE_INT64, TypeKind
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

from tests.warehouse import mutations, partitions
from tests.warehouse.syntax import dotted_name, get_field, has_field, unwrap

__all__ = ["FilterMissingError", "GoogleSQL", "RaisedError", "SqlError", "Table"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXACT = Context(prec=100)

Response = TypeVar("Response", bound=Message)


class FilterMissingError(Exception):
    """A query filters no partitions of a table with require_partition_filter."""


class RaisedError(Exception):
    """A script ended itself by RAISE."""


@dataclass(frozen=True)
class Table:
    """Columns with GoogleSQL's types, and rows of GoogleSQL's values.

    `declared` are types as a CREATE TABLE writes them: precision and scale are no part of `types`.
    """

    types: Mapping[str, Any]
    rows: list[list[Any]]
    ddl: str = ""
    declared: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, str]:
        """The columns with the names of their types: STRING, INT64, DOUBLE, BOOL, ..."""
        return {
            name: TypeKind.Name(type_.type_kind).removeprefix("TYPE_")
            for name, type_ in self.types.items()
        }

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """The rows as Python values; JSON as text."""
        return [tuple(map(_to_python, row)) for row in self.rows]

    def with_rows(self, rows: Iterable[Iterable[Any]]) -> "Table":
        """The same columns with other rows, given as Python values."""
        return replace(self, rows=[list(map(_to_value, self.kinds.values(), row)) for row in rows])


def _to_python(value: Any) -> Any:
    held = value.WhichOneof("value")
    cell: Any = getattr(value, held) if held else None
    match held:
        case "date_value":
            return EPOCH.date() + timedelta(days=cell)
        case "timestamp_value":
            return EPOCH + timedelta(seconds=cell.seconds, microseconds=cell.nanos // 1000)
        case "datetime_value":
            return _unpack_datetime(cell.bit_field_datetime_seconds, cell.nanos // 1000)
        case "numeric_value" | "bignumeric_value":
            digits = int.from_bytes(cell, "little", signed=True)
            return Decimal(digits).scaleb(-9 if held == "numeric_value" else -38, EXACT)
        case "bytes_value":
            return bytes(cell)
        case None | "string_value" | "int64_value" | "double_value" | "bool_value" | "json_value":
            return cell
    raise NotImplementedError(held)


def _unpack_datetime(packed: int, microseconds: int) -> datetime:
    """Read the fields that GoogleSQL packs into one number, the second in the lowest bits."""
    second, minute, hour = packed & 63, packed >> 6 & 63, packed >> 12 & 31
    day, month, year = packed >> 17 & 31, packed >> 22 & 15, packed >> 26
    return datetime(year, month, day, hour, minute, second, microseconds)  # noqa: DTZ001


def _to_value(kind: str, cell: Any) -> Any:
    value = ValueProto()
    match cell:
        case None:
            pass
        case datetime():
            value.timestamp_value.FromDatetime(cell)
        case date():
            value.date_value = (cell - EPOCH.date()).days
        case _:
            setattr(value, f"{kind.lower()}_value", cell)
    return value


class _Client(wasm_client.WasmClient):  # type: ignore[misc]
    """Copies memory in one call, where the package copies it byte by byte."""

    def _address(self, pointer: int) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents) + pointer

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address(ptr), data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address(ptr), size)


@cache
def _client() -> _Client:
    """Compiling the module takes 20 s of CPU; wasmtime keeps it in the user's cache."""
    config = wasmtime.Config()
    config.cache = True
    with mock.patch.object(wasm_client, "Config", return_value=config):
        return _Client(get_wasm_path())


def _call(method: str, request: Message, kind: type[Response]) -> Response:
    response: Response = _client().call_grpc_func(f"ZetaSqlLocalService_{method}", request, kind)
    return response


@cache
def _language() -> Any:
    """All of BigQuery's language, and some features that it does not have yet."""
    request = service.LanguageOptionsRequest(maximum_features=True)
    language = _call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
    language.product_mode = PRODUCT_EXTERNAL
    del language.supported_statement_kinds[:]  # none named: all
    return language


@cache
def _options() -> Any:
    request = service.AnalyzerOptionsRequest()
    options = _call("GetAnalyzerOptions", request, options_pb2.AnalyzerOptionsProto)
    options.language_options.CopyFrom(_language())
    options.default_timezone = "UTC"
    return options


# The catalogs that GoogleSQL keeps, by their content: to build one takes longer than a query.
_registered: dict[bytes, int] = {}
MOST_CATALOGS = 100
USUAL_FUNCTIONS = tuple(
    f"FN_{word}_"
    for word in (
        "ADD SUBTRACT MULTIPLY EQUAL NOT LESS GREATER AND OR IS CASE IF COALESCE COUNT SUM MAX MIN"
        " ROW_NUMBER FIRST_VALUE INSTR IN BETWEEN UNARY CONCAT GREATEST"
    ).split()
)


def _with_types(request: Message) -> Message:
    """A request that knows Google's own protocol buffers, as each must."""
    request.descriptor_pool_list.definitions.add().builtin.SetInParent()
    return request


@cache
def _usual_functions() -> tuple[int, ...]:
    return tuple(
        number for name, number in FunctionSignatureId.items() if name.startswith(USUAL_FUNCTIONS)
    )


def _register(catalog: Any) -> int:
    """The id of a catalog, which GoogleSQL keeps as long as it is among the latest."""
    content = catalog.SerializeToString(deterministic=True)
    known = _registered.pop(content, None)
    if known is None:
        if len(_registered) >= MOST_CATALOGS:
            oldest = _registered.pop(next(iter(_registered)))
            _call("UnregisterCatalog", service.UnregisterRequest(registered_id=oldest), Empty)
        request = _with_types(service.RegisterCatalogRequest(simple_catalog=catalog))
        known = _call("RegisterCatalog", request, service.RegisterResponse).registered_id
    _registered[content] = known
    return known


@dataclass
class GoogleSQL:
    """Tables by their full names, which scripts read and change.

    `row_count` is the number of rows that the last DML statement changed.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    row_count: int = 0

    def run(self, script: str) -> Table:
        """Run every statement of a script; returns the rows of its last query.

        Raises SqlError for an error of GoogleSQL, FilterMissingError for a missing partition
        filter, RaisedError for a RAISE, and NotImplementedError for a kind of statement that no
        test writes. A transaction that the script leaves open is rolled back.
        """
        # The evaluator finds rows only for tables at the root of a catalog, so `a`.`b`.`c` becomes
        # one name.
        text = re.sub(r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`", r"`\1.\2.\3`", script)
        run = _Script(text, self.tables)
        try:
            return run.run()
        finally:
            run.roll_back()
            self.row_count = run.row_count

    def cast(self, table: Table, declared: Mapping[str, str]) -> Table:
        """The rows of a table with the types of a declaration."""
        script = _Script("", {"cast": table})
        casts = ", ".join(
            f"cast(`{name}` as {kind}) as `{name}`" for name, kind in declared.items()
        )
        return replace(script.evaluate(f"select {casts} from `cast`"), declared=declared)


class _Script:
    """One script: its text, its tables, and the types and values of its variables."""

    def __init__(self, text: str, tables: dict[str, Table]) -> None:
        self.text, self.tables = text.encode(), tables
        self.variables: dict[str, tuple[Any, Any]] = {}
        self.row_count = 0
        self._before: dict[str, Table] | None = None  # the tables at the begin of a transaction

    def run(self) -> Table:
        request = service.ParseRequest(
            sql_statement=self.text.decode(), options=_language(), allow_script=True
        )
        parsed = _call("Parse", request, service.ParseResponse).parsed_script
        result = Table({}, [])
        for statement in parsed.statement_list_node.statement_list:
            result = self._execute(unwrap(statement)) or result
        return result

    def roll_back(self) -> None:
        """End the transaction that is open, if one is, without its changes."""
        if self._before is not None:
            self.tables.clear()
            self.tables.update(self._before)
        self._before = None

    def _execute(self, node: Any) -> Table | None:
        kind = type(node).__name__.removeprefix("AST").removesuffix("Proto")
        match kind:
            case "QueryStatement":
                return self._query(self.source(node))
            case "InsertStatement" | "UpdateStatement" | "DeleteStatement" | "MergeStatement":
                self._mutate(node)
            case "BeginStatement" | "CommitStatement" | "RollbackStatement":
                self._transact(kind)
            case _:
                self._define(kind, node)
        return None

    def _define(self, kind: str, node: Any) -> None:
        """Run a statement that defines a table or a variable, or that decides about others."""
        if self._before is not None and kind.startswith(("Create", "Drop", "Alter")):
            raise NotImplementedError(f"DDL in a transaction: {self.source(node)}")
        match kind:
            case "CreateTableStatement" | "CreateViewStatement":
                self._create(node)
            case "AlterTableStatement":
                mutations.alter(self, node)
            case "CreateSchemaStatement":
                pass  # a table's name says its schema
            case "DropStatement":
                self._drop(node)
            case _:
                self._control(kind, node)

    def _control(self, kind: str, node: Any) -> None:
        match kind:
            case "IfStatement":
                self._run_if(node)
            case "VariableDeclaration":
                self._declare(node)
            case "SingleAssignment":
                self._set(node)
            case "AssignmentFromStruct":
                self._assign(node)
            case "RaiseStatement":
                raise RaisedError(self._query(f"select {self.source(node.message)}").values[0][0])
            case _:
                raise NotImplementedError(self.source(node))

    def _transact(self, kind: str) -> None:
        if (kind == "BeginStatement") != (self._before is None):
            raise RaisedError(f"{kind} where a transaction is open, or is not")
        if kind == "RollbackStatement":
            self.roll_back()
        self._before = dict(self.tables) if kind == "BeginStatement" else None

    def source(self, node: Any) -> str:
        """The text of a node."""
        place = get_field(node, "parse_location_range")
        return self.text[place.start : place.end].decode()

    def _create(self, node: Any) -> None:
        """Create a table, or a view, which is evaluated at once: every build creates it again."""
        ddl = self.source(node)
        name = dotted_name(get_field(node, "name").names)
        if get_field(node, "is_if_not_exists") and name in self.tables:
            return
        if type(node).__name__ == "ASTCreateTableStatementProto":
            self.analyse(ddl)  # checks the declared columns, which a view does not have
        if not has_field(node, "query"):
            declared = mutations.declare(self, node)
            nulls = ", ".join(
                f"cast(null as {kind}) as `{column}`" for column, kind in declared.items()
            )
            types = self.evaluate(f"select {nulls}").types
            self.tables[name] = Table(types, [], ddl=ddl, declared=declared)
            return
        found = self._query(self.source(get_field(node, "query")))
        self.tables[name] = replace(found, ddl=ddl)

    def _drop(self, node: Any) -> None:
        name = dotted_name(node.name.names)
        if name not in self.tables and not node.is_if_exists:
            raise RaisedError(f"Not found: Table {name}")
        self.tables.pop(name, None)

    def _mutate(self, node: Any) -> None:
        """Run a DML statement; GoogleSQL's own evaluator has no MERGE, so all become queries."""
        if type(node).__name__ == "ASTMergeStatementProto" and self._replaces_partitions(node):
            self._merge(node)
            return
        self.analyse(self.source(node))
        self.row_count = mutations.mutate(self, node)

    def _run_if(self, node: Any) -> None:
        if node.HasField("else_list") or node.HasField("elseif_clauses"):
            raise NotImplementedError(self.source(node))
        found = self._query(f"select {self.source(node.condition)}").values
        if found == [(True,)]:
            for statement in node.then_list.statement_list:
                self._execute(unwrap(statement))

    def _declare(self, node: Any) -> None:
        default = (
            self.source(node.default_value)
            if node.HasField("default_value")
            else f"cast(null as {self.source(node.type)})"
        )
        self._set_variables(node.variable_list, f"select {default}")

    def _assign(self, node: Any) -> None:
        self._set_variables(
            node.variables,
            f"select one.* from (select {self.source(node.struct_expression)} as one)",
        )

    def _set(self, node: Any) -> None:
        found = self._query(f"select {self.source(node.expression)}")
        [kind] = found.types.values()
        self.variables[node.variable.id_string] = (kind, found.rows[0][0])

    def _set_variables(self, variables: Any, query: str) -> None:
        found = self._query(query)
        cells = zip(found.types.values(), found.rows[0], strict=True)
        for variable, cell in zip(variables.identifier_list, cells, strict=True):
            self.variables[variable.id_string] = cell

    def _replaces_partitions(self, node: Any) -> bool:
        return self.source(node.merge_condition).upper() == "FALSE"

    def _merge(self, node: Any) -> None:
        """Replace partitions, as dbt does: delete their rows, then insert every new row."""
        self.analyse(self.source(node))
        delete, insert = node.when_clauses.clause_list
        name, alias = dotted_name(node.target_path.names), self.source(node.alias)
        stale = self.source(delete.search_condition)
        columns = self.source(insert.action.insert_column_list).strip("()")
        self._require_partition_filters(f"select 1 from `{name}` {alias} where {stale}")
        kept = self.evaluate(f"select {columns} from `{name}` {alias} where ({stale}) is not true")
        new = self._query(f"select {columns} from {self.source(node.table_expression)}")
        self.tables[name] = replace(self.tables[name], types=kept.types, rows=kept.rows + new.rows)

    def analyse(self, sql: str) -> None:
        """Raise SqlError for a wrong statement; its tree may nest deeper than protobuf decodes."""
        catalog = _register(self._catalog(sql))
        request = service.AnalyzeRequest(
            options=_options(), sql_statement=sql, registered_catalog_id=catalog
        )
        _call("Analyze", _with_types(request), Empty)

    def _query(self, sql: str) -> Table:
        """The rows of a query that has the partition filters it needs."""
        self._require_partition_filters(sql)
        return self.evaluate(sql)

    def _require_partition_filters(self, sql: str) -> None:
        columns = {
            name: partitions.parse_layout(ddl).column
            for name in self._referenced_tables(sql)
            if "require_partition_filter" in (ddl := self.tables[name].ddl)
        }
        if not columns:
            return
        known = {name for name, (_, value) in self.variables.items() if value.WhichOneof("value")}
        for name in partitions.find_unfiltered(sql, columns, known):
            raise FilterMissingError(
                f"Cannot query over table '{name}' without a filter over column(s)"
                f" '{columns[name]}' that can be used for partition elimination"
            )

    def evaluate(self, sql: str) -> Table:
        """The rows of a query; most have the usual functions alone, which is twice as fast."""
        sql = sql.replace("@@row_count", str(self.row_count))
        try:
            return self._evaluate(sql, _usual_functions())
        except SqlError:
            return self._evaluate(sql, ())

    def _evaluate(self, sql: str, functions: Iterable[int]) -> Table:
        request = service.EvaluateQueryRequest(options=_options(), sql=sql)
        request.simple_catalog.CopyFrom(self._catalog(sql))
        request.simple_catalog.builtin_function_options.include_function_ids.extend(functions)
        for name in self._referenced_tables(sql):
            data = request.table_content[name].table_data
            data.SetInParent()  # an empty table needs its content, too
            for cells in self.tables[name].rows:
                data.row.add(cell=cells)
        response = _call("EvaluateQuery", _with_types(request), service.EvaluateQueryResponse)
        columns = enumerate(response.prepared.columns)
        types = {
            f"f{n}_" if column.name.startswith("$") or not column.name else column.name: column.type
            for n, column in columns
        }
        return Table(types, [list(row.cell) for row in response.content.table_data.row])

    def _referenced_tables(self, sql: str) -> set[str]:
        return self.tables.keys() & set(re.findall(r"`([^`]+)`", sql))

    def _catalog(self, sql: str) -> SimpleCatalogProto:
        catalog = SimpleCatalogProto(name="tables")
        catalog.builtin_function_options.language_options.CopyFrom(_language())
        bigint = catalog.named_type.add(name="bigint")  # BigQuery's alias of INT64
        bigint.type.type_kind = TYPE_INT64
        for number, name in enumerate(sorted(self._referenced_tables(sql)), 1):
            table = catalog.table.add(name=name, serialization_id=number)
            for column, kind in self.tables[name].types.items():
                table.column.add(name=column, type=kind, is_writable_column=True)
        for name, (kind, value) in self.variables.items():
            catalog.constant.add(name_path=[name], type=kind, value=value)
        return catalog
