"""Where each column of a mart comes from: the raw columns behind it, found in dbt's own SQL.

Tracing needs dbt to compile that SQL, which takes seven seconds. What was found is kept in
`origins.json`, so that everything else is generated and checked without dbt.
"""

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

from looker import raw
from looker.errors import LookerError

Origins = Mapping[str, Mapping[str, list[str]]]  # mart -> column -> raw columns, `table.column`
Tables = dict[str, dict[str, str]]  # table -> column -> type, which tracing does not need

ROOT = Path(__file__).parent.parent
FILE = Path(__file__).parent / "origins.json"
DBT = Path(os.environ.get("DBT", ROOT / ".venv-dbt" / "bin" / "dbt"))
ENGINE = "duckdb"  # whose SQL is read


def load(file: Path = FILE) -> Origins:
    """What was found last."""
    try:
        origins: Origins = json.loads(file.read_text())
    except FileNotFoundError:
        raise LookerError(f"{file} is missing: run `.venv/bin/python -m looker build`.") from None
    return origins


def find(wanted: Mapping[str, Iterable[str]]) -> Origins:
    """Compile dbt's models as they are now, and trace the wanted columns of each mart."""
    with TemporaryDirectory() as folder:
        return trace(_compile(Path(folder)) / "manifest.json", wanted)


def _compile(folder: Path) -> Path:
    """Compile every model over an empty warehouse, as dbt does for a first build."""
    duckdb.connect(folder / "raw.db").close()
    settings = {
        "KLAVIYO_RAW_DUCKDB": str(folder / "raw.db"),
        "KLAVIYO_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "KLAVIYO_TABLES": "all",  # a table that is not synced would be no origin
        "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
        "DBT_PROFILES_DIR": str(ROOT / "dbt_project"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "DO_NOT_TRACK": "1",
    }
    command = [str(DBT), "--quiet", "compile", "--target", ENGINE]
    try:
        code = subprocess.run(command, env={**os.environ, **settings}, check=False).returncode
    except OSError:
        raise LookerError(f"{DBT} cannot be run: `make test` installs it.") from None
    if code:
        raise LookerError("dbt cannot compile its models; the reason stands above.")
    return folder / "target"


def trace(manifest: Path, wanted: Mapping[str, Iterable[str]]) -> Origins:
    """The raw columns behind the wanted columns of each mart, from a compiled manifest."""
    tracing = _Tracing(json.loads(manifest.read_text()))
    return {
        mart: {column: sorted(tracing.origins(mart, column)) for column in columns}
        for mart, columns in wanted.items()
    }


class _Tracing:
    """The models' queries, each understood once its parents are."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        nodes = manifest["nodes"].values()
        self._models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
        self._schema: dict[str, dict[str, Tables]] = {}  # database -> schema
        for source in manifest["sources"].values():
            self._know(source, raw.COLUMNS[source["name"]])
        self.origins = cache(self._origins)
        self._scope = cache(self._scope_of)

    def _origins(self, model: str, column: str) -> frozenset[str]:
        scope = self._scope(model)
        node = lineage(
            column,
            scope.expression,
            self._schema,
            scope=scope,
            dialect=ENGINE,
            trim_selects=False,  # only the leaves are looked at: five times as fast
            copy=False,
        )
        leaves = [one for one in node.walk() if isinstance(one.expression, exp.Table)]
        found = {
            (leaf.expression.name, exp.to_column(leaf.name).name)
            for leaf in leaves
            if leaf.expression.name  # a calendar is a table without a name
        }
        behind = [
            self.origins(table, name) if table in self._models else frozenset([f"{table}.{name}"])
            for table, name in found
        ]
        return frozenset[str]().union(*behind)

    def _scope_of(self, model: str) -> Scope:
        """The query of a model, every column in it named after the table it is of."""
        node = self._models[model]
        for parent in node["depends_on"]["nodes"]:
            if parent.startswith("model."):
                self._scope(parent.rpartition(".")[2])
        parsed = parse_one(node["compiled_code"], dialect=ENGINE).transform(_only_values)
        schema: dict[str, object] = {**self._schema}
        query = cast(
            "exp.Query",
            qualify(parsed, schema=schema, dialect=ENGINE, validate_qualify_columns=False),
        )
        self._know(node, query.named_selects)
        return cast("Scope", build_scope(query))

    def _know(self, node: Mapping[str, Any], columns: Iterable[str]) -> None:
        tables = self._schema.setdefault(node["database"], {}).setdefault(node["schema"], {})
        tables[node["name"]] = dict.fromkeys(columns, "text")


def _only_values(node: exp.Expression) -> exp.Expression:
    """Leave out what decides about a value without being part of it.

    That is the conditions of a `case`, unless it makes a count of them (then 1 else 0), and the
    branch of a union by name, which sqlglot reads by position; ours only adds a column that raw
    tables may lack.
    """
    if isinstance(node, exp.Case):
        branches = [one.args["true"] for one in node.args["ifs"]] + [node.args.get("default")]
        if any(branch and branch.find(exp.Column) for branch in branches):
            for branch in node.args["ifs"]:
                branch.set("this", exp.true())
    by_name = isinstance(node, exp.Union) and node.args.get("by_name")
    return cast("exp.Expression", node.this) if by_name else node
