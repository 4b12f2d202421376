"""dbt, imported and warmed up once: each run is a fork of this process, so no run pays for that.

It runs in the environment of dbt. A line of standard input is a run: JSON of its `arguments`,
`folder`, `environment` and the file for its `output`. A line of standard output is its exit code;
the first is "ready".

A run with the settings of this process takes over its parsed project and its compiled macros.
"""

import atexit
import gc
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import cli, dbtRunner
from dbt_common.clients.jinja import template_cache

# The variables that a parse of the project depends on.
PARSED = re.compile("KLAVIYO_|DBT_(TARGET|PROJECT_DIR|PROFILES_DIR)$")


def run(
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    output: str,
    manifest: Any = None,
) -> int:
    """Run dbt as its command does, in a process with this folder, environment and output.

    Without a parsed project, a manifest, it parses.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    settings = dict(environment)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(settings)
    with open(output, "w") as file:  # noqa: PTH123 - the descriptor is all that is needed
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["dbt", *arguments]
    code: Any = 1
    try:
        cli(obj={"manifest": manifest})
    except SystemExit as end:
        code = end.code
    # Importing duckdb starts a thread, which a fork does not have; the normal exit aborts over it.
    DuckDBConnectionManager.close_all_connections()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code or 0)


def load_project() -> Any:
    """Parse the project and compile its macros.

    A full parse starts threads, which a fork would lack and wait for: so it has its own process,
    and this one reads its result.
    """
    if not Path("target", "partial_parse.msgpack").exists():
        run(["--no-write-json", "parse"], ".", os.environ, os.devnull)
    parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse"])
    if not parsed.success:
        sys.exit("dbt cannot parse the project; the reason is printed above")
    for macro in parsed.result.macros.values():
        template_cache.get_node_template(macro)
    gc.collect()
    gc.freeze()  # a collection of garbage in a run looks at what the run made alone
    return parsed.result


def select_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that a parse of the project depends on."""
    return {name: value for name, value in environment.items() if PARSED.match(name)}


def main() -> None:
    """Parse the project once, then run what is requested until standard input ends."""
    manifest, settings = load_project(), select_settings(os.environ)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        is_same = select_settings(request["environment"]) == settings
        print(run(**request, manifest=manifest if is_same else None), flush=True)


if __name__ == "__main__":
    main()
