"""The rooms of the connector: which module may know what."""

import ast
import sys
from importlib import metadata
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "klaviyo_connector"
MODULES = {path.stem: ast.parse(path.read_text()) for path in FOLDER.glob("*.py")}
PURE = {"models", "values", "streams", "restatement", "roster"}
WITHOUT_INPUT_OR_OUTPUT = {
    "__future__", "base64", "collections", "dataclasses", "datetime", "enum", "functools",
    "hashlib", "itertools", "json", "math", "re", "typing", "zlib", "zoneinfo",
}  # fmt: skip
ONLY_IN = {
    "fivetran_connector_sdk": "connector",
    "requests": "api",
    "urllib3": "api",
    "socket": "api",
}

every_module = pytest.mark.parametrize("module", MODULES)


def imports(module: str) -> set[str]:
    """The top-level names of what a module imports, inside functions too."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to a package"
            found.add((node.module or "").partition(".")[0])
    return found


def calls(module: str) -> set[str]:
    """The names of the functions a module calls."""
    nodes = (node.func for node in ast.walk(MODULES[module]) if isinstance(node, ast.Call))
    return {ast.unparse(function) for function in nodes}


@pytest.mark.parametrize(("library", "room"), ONLY_IN.items(), ids=ONLY_IN)
def test_a_library_stays_in_its_room(library: str, room: str) -> None:
    """Only connector.py knows Fivetran; only api.py speaks HTTP."""
    assert {module for module in MODULES if library in imports(module)} == {room}


@pytest.mark.parametrize("module", sorted(PURE))
def test_a_pure_module_does_no_input_or_output(module: str) -> None:
    """Tables, values, streams and windows can be tested without a network, file or clock."""
    assert imports(module) <= WITHOUT_INPUT_OR_OUTPUT | PURE
    assert not calls(module) & {"open", "datetime.now", "date.today", "time.time"}


@every_module
def test_a_module_imports_only_what_is_deployed(module: str) -> None:
    """Neighbours, the standard library and what Fivetran installs; nothing of this repository."""
    deployed = {"fivetran_connector_sdk", "requests", "urllib3", "orjson"}
    assert imports(module) <= set(MODULES) | sys.stdlib_module_names | deployed


@every_module
def test_a_module_has_a_name_of_its_own(module: str) -> None:
    """A package installed beside the connector never answers to the name of one of our modules."""
    assert module not in sys.stdlib_module_names
    assert module not in metadata.packages_distributions()


@every_module
def test_a_module_neither_prints_nor_ends_the_process(module: str) -> None:
    """What is to be said goes to the log; what goes wrong is raised."""
    ending = {"exit", "quit", "sys.exit", "os._exit", "os.abort", "os.kill"}
    assert not calls(module) & (ending | {"print", "breakpoint", "eval", "exec"})


@every_module
def test_certificates_are_always_verified(module: str) -> None:
    """T6: no switch turns the check of Klaviyo's certificate off."""
    source = ast.unparse(MODULES[module])
    assert not any(word in source for word in ("verify=False", "CERT_NONE", ".verify ="))


def test_the_folder_holds_nothing_but_modules() -> None:
    """What stands in the folder is deployed: no data, no tests, no packages."""
    kept = {path.name for path in FOLDER.iterdir() if not path.name.startswith(".")}
    left_behind = {"__pycache__", "files", "crash-reports"}  # by runs; never deployed
    assert kept - left_behind == {"pyproject.toml", *(f"{module}.py" for module in MODULES)}
