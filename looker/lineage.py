"""Column lineage: the raw columns behind each column of a mart, traced in dbt's compiled SQL.

Compiling and tracing take two minutes. `origins.json` keeps the result, so that everything else is
generated and checked without dbt, and a digest of each SQL file that it was traced from.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import duckdb
from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from looker import raw_tables
from looker.errors import LookerError

Origins = Mapping[str, Mapping[str, list[str]]]  # mart -> column -> raw columns, `table.column`

ROOT = Path(__file__).parent.parent
FILE = Path(__file__).parent / "origins.json"
PROJECT = ROOT / "dbt_project"
DBT = Path(os.environ.get("DBT", ROOT / ".venv-dbt" / "bin" / "dbt"))
ENGINE = "duckdb"  # the target whose SQL is traced


def load(file: Path = FILE) -> Origins:
    """Read the lineage of the last build."""
    try:
        origins: Origins = json.loads(file.read_text())["columns"]
    except FileNotFoundError:
        raise LookerError(f"{file} is missing: run `.venv/bin/python -m looker build`.") from None
    return origins


def render(origins: Origins) -> str:
    """The content of `origins.json`: of a changed SQL file another digest, and so a difference."""
    files = sorted([*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("macros/**/*.sql")])
    traced_from = {str(file.relative_to(PROJECT)): _digest(file) for file in files}
    return json.dumps({"traced_from": traced_from, "columns": origins}, indent=1) + "\n"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def trace_project(wanted: Mapping[str, Iterable[str]]) -> Origins:
    """Compile dbt's models and trace the wanted columns of each mart."""
    with TemporaryDirectory() as folder:
        return trace(_compile(Path(folder)) / "manifest.json", wanted)


def _compile(folder: Path) -> Path:
    """Compile every model on an empty warehouse; returns dbt's target folder."""
    duckdb.connect(folder / "raw.db").close()
    settings = {
        "KLAVIYO_RAW_DUCKDB": str(folder / "raw.db"),
        "KLAVIYO_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "KLAVIYO_TABLES": "all",  # a table that is not selected has no lineage
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "DO_NOT_TRACK": "1",
    }
    command = [str(DBT), "--quiet", "compile", "--target", ENGINE]
    command += ["--select", "resource_type:model"]
    try:
        code = subprocess.run(command, env={**os.environ, **settings}, check=False).returncode
    except OSError:
        raise LookerError(f"{DBT} cannot be run: `make test` installs it.") from None
    if code:
        raise LookerError("dbt cannot compile its models: see its message above.")
    return folder / "target"


def trace(manifest: Path, wanted: Mapping[str, Iterable[str]]) -> Origins:
    """The raw columns behind the wanted columns of each mart, from a compiled manifest."""
    tracer = _Tracer(json.loads(manifest.read_text()))
    return {
        mart: {column: sorted(tracer.trace(mart, column)) for column in columns}
        for mart, columns in wanted.items()
    }


class _Tracer:
    """Traces columns through the models' queries; a model's parents are parsed before it."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        nodes = manifest["nodes"].values()
        # A model of compatibility has the name of a raw table.
        self._models = {
            node["name"]: node
            for node in nodes
            if node["resource_type"] == "model" and node["fqn"][1] != "compatibility"
        }
        # One object: of a dict, sqlglot would make one for every column that it traces.
        self._schema = MappingSchema(dialect=ENGINE, normalize=False)
        for source in manifest["sources"].values():
            self._register(source, raw_tables.COLUMNS[source["name"]])
        self.trace = cache(self._trace)
        self._scope = cache(self._build_scope)

    def _trace(self, model: str, column: str) -> frozenset[str]:
        scope = self._scope(model)
        node = lineage(
            column,
            scope.expression,
            self._schema,
            scope=scope,
            dialect=ENGINE,
            trim_selects=False,  # only the leaves are read, and this is five times as fast
            copy=False,
        )
        leaves = [leaf for leaf in node.walk() if isinstance(leaf.expression, exp.Table)]
        columns = {
            (leaf.expression.name, exp.to_column(leaf.name).name)
            for leaf in leaves
            if leaf.expression.name  # a calendar is a table without a name
        }
        origins = [
            self.trace(table, name) if table in self._models else frozenset([f"{table}.{name}"])
            for table, name in columns
        ]
        return frozenset[str]().union(*origins)

    def _build_scope(self, model: str) -> Scope:
        """The query of a model, with every column qualified by its table."""
        node = self._models[model]
        for parent in node["depends_on"]["nodes"]:
            if parent.startswith("model."):
                self._scope(parent.rpartition(".")[2])
        parsed = parse_one(node["compiled_code"], dialect=ENGINE).transform(_drop_conditions)
        query = cast(
            "exp.Query",
            qualify(parsed, schema=self._schema, dialect=ENGINE, validate_qualify_columns=False),
        )
        self._register(node, query.named_selects)
        return cast("Scope", build_scope(query))

    def _register(self, node: Mapping[str, Any], columns: Iterable[str]) -> None:
        table = exp.table_(node["name"], db=node["schema"], catalog=node["database"])
        self._schema.add_table(table, dict.fromkeys(columns, "text"))


def _drop_conditions(node: exp.Expression) -> exp.Expression:
    """Remove the parts of a query that choose a value without being part of it.

    These are the conditions of a `case`, unless its branches are constants (then 1 else 0 counts
    the condition), the partition and order of a window, and the second branch of a union by name,
    which sqlglot would match by position; in this project it only adds columns that a raw table may
    lack.
    """
    if isinstance(node, exp.Window):
        node.set("partition_by", None)
        node.set("order", None)
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]] + [node.args.get("default")]
        if any(branch and branch.find(exp.Column) for branch in branches):
            for branch in node.args["ifs"]:
                branch.set("this", exp.true())
    by_name = isinstance(node, exp.Union) and node.args.get("by_name")
    return cast("exp.Expression", node.this) if by_name else node
