"""GoogleSQL, BigQuery's own analyser and reference evaluator, with tables to run scripts on.

The package `zetasql` is Google's C++ code compiled to WebAssembly. What it does not prove is what
only the service has: quotas, slots, prices, and which partitions a query reads.
"""

import ctypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public.options_pb2 import PRODUCT_EXTERNAL

__all__ = ["GoogleSQL", "SqlError", "Table"]

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Table:
    """Rows of GoogleSQL's values, by columns with GoogleSQL's types."""

    types: Mapping[str, Any]
    rows: list[list[Any]]
    ddl: str = ""


class _Client(wasm_client.WasmClient):
    """The package copies memory byte by byte; this copies it at once."""

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
    with mock.patch.object(wasm_client, "Config", lambda: config):
        return _Client(get_wasm_path())


def _call(method: str, request: Message, answer: type[Answer]) -> Answer:
    return _client().call_grpc_func(f"ZetaSqlLocalService_{method}", request, answer)


@cache
def _language() -> Any:
    """Everything that BigQuery knows (and some things that it does not know yet)."""
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
    """Tables by their full names, and the scripts that read and change them."""

    tables: dict[str, Table] = field(default_factory=dict)

    def run(self, script: str) -> Table:
        """Run every statement of a script; gives what its last query found.

        Raises SqlError for what GoogleSQL refuses, and NotImplementedError for a kind of
        statement that dbt was not seen to write.
        """
        # Only tables at the root of a catalogue can hold rows: one name instead of three.
        text = re.sub(r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`", r"`\1.\2.\3`", script)
        return _Script(text, self.tables).run()


def _concrete(node: Any) -> Any:
    """The one alternative that a node of any kind holds."""
    while type(node).__name__.startswith("AnyAST"):
        node = getattr(node, node.WhichOneof("node"))
    return node


def _base(node: Any, name: str) -> Any:
    """A field of a node, or of the kinds of node it is a special case of."""
    node = _concrete(node)
    while name not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return getattr(node, name)


def _path(names: Iterable[Any]) -> str:
    return ".".join(name.id_string for name in names)


class _Script:
    """One script: its text, the tables it works on, and its variables' types and values."""

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
            result = self._execute(_concrete(statement)) or result
        return result

    def _execute(self, node: Any) -> Table | None:
        kind = type(node).__name__.removeprefix("AST").removesuffix("Proto")
        match kind:
            case "QueryStatement":
                return self._evaluate(self._source(node))
            case "CreateTableStatement" | "CreateViewStatement":
                self._create(node)
            case "DropStatement":
                self.tables.pop(_path(node.name.names), None)
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
        place = _base(node, "parse_location_range")
        return self.text[place.start : place.end].decode()

    def _create(self, node: Any) -> None:
        """A table made by a select; or a view, computed at once since every build makes it anew."""
        ddl = self._source(node)
        self._analyse(ddl)
        found = self._evaluate(self._source(_base(node, "query")))
        self.tables[_path(_base(node, "name").names)] = replace(found, ddl=ddl)

    def _declare(self, node: Any) -> None:
        default = (
            self._source(node.default_value)
            if node.HasField("default_value")
            else f"cast(null as {self._source(node.type)})"
        )
        self._set(node.variable_list, f"select {default}")

    def _assign(self, node: Any) -> None:
        self._set(
            node.variables,
            f"select one.* from (select {self._source(node.struct_expression)} as one)",
        )

    def _set(self, variables: Any, query: str) -> None:
        found = self._evaluate(query)
        cells = zip(found.types.values(), found.rows[0], strict=True)
        for variable, cell in zip(variables.identifier_list, cells, strict=True):
            self.variables[variable.id_string] = cell

    def _merge(self, node: Any) -> None:
        """dbt's overwriting of partitions: what they held goes, and every new row comes."""
        self._analyse(self._source(node))
        if self._source(node.merge_condition).upper() != "FALSE":
            raise NotImplementedError(self._source(node))
        delete, insert = node.when_clauses.clause_list
        name, alias = _path(node.target_path.names), self._source(node.alias)
        stale = self._source(delete.search_condition)
        columns = self._source(insert.action.insert_column_list).strip("()")
        kept = self._evaluate(f"select {columns} from `{name}` {alias} where ({stale}) is not true")
        new = self._evaluate(f"select {columns} from {self._source(node.table_expression)}")
        self.tables[name] = replace(self.tables[name], types=kept.types, rows=kept.rows + new.rows)

    def _analyse(self, sql: str) -> Any:
        request = service.AnalyzeRequest(options=_options(), sql_statement=sql)
        return _call("Analyze", self._with_catalogue(request, sql), service.AnalyzeResponse)

    def _evaluate(self, sql: str) -> Table:
        request = service.PrepareQueryRequest(options=_options(), sql=sql)
        self._with_catalogue(request, sql)
        for name in self._mentioned(sql):
            rows = request.table_content[name].table_data.row
            for cells in self.tables[name].rows:
                rows.add(cell=cells)
        prepared = _call("PrepareQuery", request, service.PrepareQueryResponse).prepared
        by_id = {"prepared_query_id": prepared.prepared_query_id}
        run = service.EvaluateQueryRequest(**by_id)
        answer = _call("EvaluateQuery", run, service.EvaluateQueryResponse)
        _call("UnprepareQuery", service.UnprepareQueryRequest(**by_id), Empty)
        types = {column.name: column.type for column in prepared.columns}
        return Table(types, [list(row.cell) for row in answer.content.table_data.row])

    def _mentioned(self, sql: str) -> set[str]:
        return self.tables.keys() & set(re.findall(r"`([^`]+)`", sql))

    def _with_catalogue(self, request: Any, sql: str) -> Any:
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        catalogue = request.simple_catalog
        catalogue.name = "tables"
        catalogue.builtin_function_options.language_options.CopyFrom(_language())
        for number, name in enumerate(sorted(self._mentioned(sql)), 1):
            table = catalogue.table.add(name=name, serialization_id=number)
            for column, kind in self.tables[name].types.items():
                table.column.add(name=column, type=kind, is_writable_column=True)
        for name, (kind, value) in self.variables.items():
            catalogue.constant.add(name_path=[name], type=kind, value=value)
        return request
