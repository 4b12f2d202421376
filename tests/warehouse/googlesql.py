"""GoogleSQL, BigQuery's own analyser and reference evaluator, on tables in memory.

The package `zetasql` is Google's C++ code compiled to WebAssembly. It does not show what only the
service has: quotas, slots, prices, and which partitions a query reads.
"""

import ctypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
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
from zetasql.wasi._pb2.zetasql.public.options_pb2 import PRODUCT_EXTERNAL
from zetasql.wasi._pb2.zetasql.public.type_pb2 import TYPE_INT64, TypeKind
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

from tests.warehouse import partitions

__all__ = ["FilterMissingError", "GoogleSQL", "SqlError", "Table"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Response = TypeVar("Response", bound=Message)


class FilterMissingError(Exception):
    """A query filters no partitions of a table with require_partition_filter."""


@dataclass(frozen=True)
class Table:
    """Columns with GoogleSQL's types, and rows of GoogleSQL's values."""

    types: Mapping[str, Any]
    rows: list[list[Any]]
    ddl: str = ""

    @property
    def kinds(self) -> dict[str, str]:
        """The columns with the names of their types: STRING, INT64, DOUBLE, BOOL, ..."""
        return {
            name: TypeKind.Name(one.type_kind).removeprefix("TYPE_")
            for name, one in self.types.items()
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
        case None | "string_value" | "int64_value" | "double_value" | "bool_value" | "json_value":
            return cell
    raise NotImplementedError(held)


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


@dataclass
class GoogleSQL:
    """Tables by their full names, which scripts read and change."""

    tables: dict[str, Table] = field(default_factory=dict)

    def run(self, script: str) -> Table:
        """Run every statement of a script; returns the rows of its last query.

        Raises SqlError for an error of GoogleSQL, FilterMissingError for a missing partition filter
        and NotImplementedError for a kind of statement that dbt does not write.
        """
        # The evaluator finds rows only for tables at the root of a catalog, so `a`.`b`.`c` becomes
        # one name.
        text = re.sub(r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`", r"`\1.\2.\3`", script)
        return _Script(text, self.tables).run()


def _unwrap(node: Any) -> Any:
    """The node itself, out of the union types that wrap it."""
    while type(node).__name__.startswith("AnyAST"):
        node = getattr(node, node.WhichOneof("node"))
    return node


def _get_field(node: Any, name: str) -> Any:
    """A field of a node or of its parent types, which are fields named `parent`."""
    node = _unwrap(node)
    while name not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return getattr(node, name)


def _dotted_name(names: Iterable[Any]) -> str:
    return ".".join(name.id_string for name in names)


class _Script:
    """One script: its text, its tables, and the types and values of its variables."""

    def __init__(self, text: str, tables: dict[str, Table]) -> None:
        self.text, self.tables = text.encode(), tables
        self.variables: dict[str, tuple[Any, Any]] = {}

    def run(self) -> Table:
        request = service.ParseRequest(
            sql_statement=self.text.decode(), options=_language(), allow_script=True
        )
        parsed = _call("Parse", request, service.ParseResponse).parsed_script
        result = Table({}, [])
        for statement in parsed.statement_list_node.statement_list:
            result = self._execute(_unwrap(statement)) or result
        return result

    def _execute(self, node: Any) -> Table | None:
        kind = type(node).__name__.removeprefix("AST").removesuffix("Proto")
        match kind:
            case "QueryStatement":
                return self._query(self._source(node))
            case "CreateTableStatement" | "CreateViewStatement":
                self._create(node)
            case "CreateSchemaStatement":
                pass  # a table's name says its schema
            case "IfStatement":
                self._run_if(node)
            case "DropStatement":
                self.tables.pop(_dotted_name(node.name.names), None)
            case "VariableDeclaration":
                self._declare(node)
            case "AssignmentFromStruct":
                self._assign(node)
            case "MergeStatement":
                self._merge(node)
            case _:
                raise NotImplementedError(self._source(node))
        return None

    def _source(self, node: Any) -> str:
        """The text of a node."""
        place = _get_field(node, "parse_location_range")
        return self.text[place.start : place.end].decode()

    def _create(self, node: Any) -> None:
        """Create a table, or a view, which is evaluated at once: every build creates it again."""
        ddl = self._source(node)
        if type(node).__name__ == "ASTCreateTableStatementProto":
            self._analyse(ddl)  # checks the declared columns, which a view does not have
        found = self._query(self._source(_get_field(node, "query")))
        self.tables[_dotted_name(_get_field(node, "name").names)] = replace(found, ddl=ddl)

    def _run_if(self, node: Any) -> None:
        if node.HasField("else_list") or node.HasField("elseif_clauses"):
            raise NotImplementedError(self._source(node))
        found = self._query(f"select {self._source(node.condition)}").values
        if found == [(True,)]:
            for statement in node.then_list.statement_list:
                self._execute(_unwrap(statement))

    def _declare(self, node: Any) -> None:
        default = (
            self._source(node.default_value)
            if node.HasField("default_value")
            else f"cast(null as {self._source(node.type)})"
        )
        self._set_variables(node.variable_list, f"select {default}")

    def _assign(self, node: Any) -> None:
        self._set_variables(
            node.variables,
            f"select one.* from (select {self._source(node.struct_expression)} as one)",
        )

    def _set_variables(self, variables: Any, query: str) -> None:
        found = self._query(query)
        cells = zip(found.types.values(), found.rows[0], strict=True)
        for variable, cell in zip(variables.identifier_list, cells, strict=True):
            self.variables[variable.id_string] = cell

    def _merge(self, node: Any) -> None:
        """Replace partitions, as dbt does: delete their rows, then insert every new row."""
        self._analyse(self._source(node))
        if self._source(node.merge_condition).upper() != "FALSE":
            raise NotImplementedError(self._source(node))
        delete, insert = node.when_clauses.clause_list
        name, alias = _dotted_name(node.target_path.names), self._source(node.alias)
        stale = self._source(delete.search_condition)
        columns = self._source(insert.action.insert_column_list).strip("()")
        self._require_partition_filters(f"select 1 from `{name}` {alias} where {stale}")
        kept = self._evaluate(f"select {columns} from `{name}` {alias} where ({stale}) is not true")
        new = self._query(f"select {columns} from {self._source(node.table_expression)}")
        self.tables[name] = replace(self.tables[name], types=kept.types, rows=kept.rows + new.rows)

    def _analyse(self, sql: str) -> None:
        """Raise SqlError for a wrong statement; its tree may nest deeper than protobuf decodes."""
        request = service.AnalyzeRequest(options=_options(), sql_statement=sql)
        _call("Analyze", self._add_catalog(request, sql), Empty)

    def _query(self, sql: str) -> Table:
        """The rows of a query that has the partition filters it needs."""
        self._require_partition_filters(sql)
        return self._evaluate(sql)

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

    def _evaluate(self, sql: str) -> Table:
        request = service.EvaluateQueryRequest(options=_options(), sql=sql)
        self._add_catalog(request, sql)
        for name in self._referenced_tables(sql):
            data = request.table_content[name].table_data
            data.SetInParent()  # an empty table needs its content, too
            for cells in self.tables[name].rows:
                data.row.add(cell=cells)
        response = _call("EvaluateQuery", request, service.EvaluateQueryResponse)
        types = {column.name: column.type for column in response.prepared.columns}
        return Table(types, [list(row.cell) for row in response.content.table_data.row])

    def _referenced_tables(self, sql: str) -> set[str]:
        return self.tables.keys() & set(re.findall(r"`([^`]+)`", sql))

    def _add_catalog(self, request: Any, sql: str) -> Any:
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        catalog = request.simple_catalog
        catalog.name = "tables"
        catalog.builtin_function_options.language_options.CopyFrom(_language())
        bigint = catalog.named_type.add(name="bigint")  # BigQuery's alias of INT64
        bigint.type.type_kind = TYPE_INT64
        for number, name in enumerate(sorted(self._referenced_tables(sql)), 1):
            table = catalog.table.add(name=name, serialization_id=number)
            for column, kind in self.tables[name].types.items():
                table.column.add(name=column, type=kind, is_writable_column=True)
        for name, (kind, value) in self.variables.items():
            catalog.constant.add(name_path=[name], type=kind, value=value)
        return request
