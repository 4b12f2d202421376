"""dbt, imported and warmed up once: each run is a fork of this process, so no run pays for that.

It runs in the environment of dbt. A line of standard input is a run: JSON of its `arguments`,
`folder`, `environment` and the file for its `output`. A line of standard output is its exit code;
the first is "ready".
"""

import atexit
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import cli, dbtRunner


def run(arguments: Sequence[str], folder: str, environment: Mapping[str, str], output: str) -> int:
    """Run dbt as its command does, in a process with this folder, environment and output."""
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
        cli()
    except SystemExit as end:
        code = end.code
    # Importing duckdb starts a thread, which a fork does not have; the normal exit aborts over it.
    DuckDBConnectionManager.close_all_connections()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code or 0)


def main() -> None:
    """Parse the project once, then run what is requested until standard input ends.

    A full parse starts threads, which a fork would lack and wait for: so it has its own process,
    and this one reads its result.
    """
    run(["parse"], ".", os.environ, os.devnull)
    if not dbtRunner().invoke(["--quiet", "parse"]).success:
        sys.exit("dbt cannot parse the project; the reason is printed above")
    print("ready", flush=True)
    for line in sys.stdin:
        print(run(**json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
