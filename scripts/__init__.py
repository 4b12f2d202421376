"""The commands of an operator: `.venv/bin/python -m scripts.NAME --help`.

NAME is configuration, demo, digest, doctor, export, fivetran_sync, generate_dbt, load_postgres,
mcp, pipeline, release or sample. The other modules are libraries.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent


def list_commands() -> list[str]:
    """The modules that run, by their full names; of a package, that of its `__main__`."""
    files = [path for path in FOLDER.rglob("*.py") if "\nif __name__ ==" in path.read_text()]
    parts = [path.relative_to(FOLDER.parent).with_suffix("").parts for path in files]
    return sorted(".".join(part for part in names if part != "__main__") for names in parts)


def refuse_library(arguments: Sequence[str]) -> None:
    """Python runs a module without a command silently and exits with 0: fail before it does."""
    module = arguments[arguments.index("-m") + 1].removesuffix(".__main__")
    if module not in list_commands():
        commands = ", ".join(list_commands())
        raise SystemExit(f"{module} is a library and runs nothing. The commands are {commands}.")


if sys.argv[:1] == ["-m"]:  # Python is still looking for the module to run
    refuse_library(sys.orig_argv)
