"""Which module of the connector may import what, in every folder of it."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "klaviyo_connector"
LEFT_BY_RUNS = {"__pycache__", "files", "crash-reports"}  # never deployed
FILES = [
    path
    for path in FOLDER.rglob("*")
    if path.is_file()
    and not LEFT_BY_RUNS & {*path.relative_to(FOLDER).parts}
    and not path.name.startswith(".")
]


def module_name(file: Path) -> str:
    """The name under which a file is imported: a package under that of its folder."""
    return ".".join(file.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): ast.parse(file.read_text()) for file in FILES if file.suffix == ".py"}
PACKAGES = {module_name(file) for file in FILES if file.name == "__init__.py"}
PURE = {
    "models",
    *(name for name in MODULES if name.partition(".")[0] in {"tables", "state"}),
    "streams",
    "streams.url_templates",
    "streams.catalog",
    "streams.content",
    "streams.declarations",
    "streams.registry",
    "streams.report_schedule",
    "streams.shop",
}
WITHOUT_INPUT_OR_OUTPUT = {
    "__future__", "base64", "codecs", "collections", "dataclasses", "datetime", "enum", "functools",
    "hashlib", "itertools", "json", "math", "msgspec", "operator", "re", "typing", "urllib", "zlib",
    "zoneinfo",
}  # fmt: skip
INPUT_AND_OUTPUT = {"open", "datetime.now", "date.today", "time.time", "monotonic"}
ONLY_IN = {  # library to the rooms that may import it: modules, or folders of them
    "fivetran_connector_sdk": {"connector"},
    "requests": {"api"},
    "urllib3": {"api"},
    "socket": {"api"},
    "ssl": {"api"},
    "concurrent": {"parallel"},
    "msgspec": {"api", "state", "streams", "tables"},
}
MAX_FLOORS = 14


def imported_names(module: str) -> Iterator[str]:
    """The full names that a module imports, inside functions too."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            for alias in node.names:
                submodule = f"{prefix}.{alias.name}"
                yield submodule if submodule in MODULES else prefix


def libraries(module: str) -> set[str]:
    """The top-level packages that a module imports from outside the connector."""
    return {name.partition(".")[0] for name in imported_names(module) if name not in MODULES}


def called_functions(module: str) -> set[str]:
    """The names of the functions that a module calls."""
    nodes = (node.func for node in ast.walk(MODULES[module]) if isinstance(node, ast.Call))
    return {ast.unparse(function) for function in nodes}


def neighbours(module: str) -> set[str]:
    """The modules that Python runs before this one: those it imports, and their packages."""
    imported = {name for name in imported_names(module) if name in MODULES}
    packages = {name.rpartition(".")[0] for name in imported}
    return (imported | packages & PACKAGES) - {module, module.rpartition(".")[0]}


def test_every_folder_is_read() -> None:
    """The rules below hold for the packages too, not only for the modules beside them."""
    assert {"state.state", "streams.catalog", "tables.converters", "sync"} <= MODULES.keys()
    assert {"state", "streams", "tables"} == PACKAGES


def test_a_library_stays_in_its_room() -> None:
    """Only connector.py imports the SDK, only api.py speaks HTTP, only parallel.py has a pool."""
    offenders = [
        (library, rooms, importing)
        for library, rooms in ONLY_IN.items()
        if (importing := {name for name in MODULES if library in libraries(name)})
        and {name if name in rooms else name.partition(".")[0] for name in importing} != rooms
    ]
    assert offenders == []


def test_a_pure_module_does_no_input_or_output() -> None:
    """Tables, streams and the state can be tested without a network, a file or a clock."""
    offenders = [
        (name, imports, calls)
        for name in PURE
        if (imports := libraries(name) - WITHOUT_INPUT_OR_OUTPUT)
        | (neighbours(name) - PURE - ({"api"} if name == "state.state" else set()))
        | (calls := called_functions(name) & INPUT_AND_OUTPUT)
    ]
    assert offenders == []


def test_the_state_knows_no_stream_and_no_client() -> None:
    """It is made of tables and models; of the client it takes ConfigurationError alone."""
    taken = [
        alias.name
        for node in ast.walk(MODULES["state.state"])
        if isinstance(node, ast.ImportFrom) and node.module == "api"
        for alias in node.names
    ]
    assert taken == ["ConfigurationError"]
    known = {
        neighbour for name in MODULES if name.startswith("state") for neighbour in neighbours(name)
    }
    assert {name.partition(".")[0] for name in known} == {"api", "models", "state", "tables"}


def test_every_import_is_deployed() -> None:
    """A module imports its neighbours, the standard library, and what Fivetran installs."""
    declared = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["dependencies"]
    installed = {"fivetran_connector_sdk", "requests", "urllib3"}  # by Fivetran
    deployed = (
        sys.stdlib_module_names
        | installed
        | {requirement.partition("==")[0] for requirement in declared}
    )
    offenders = {name: found for name in MODULES if (found := libraries(name) - deployed)}
    assert offenders == {}


def test_a_module_has_a_name_of_its_own() -> None:
    """No installed package and no module of Python is imported in place of one of ours."""
    names = {name.partition(".")[0] for name in MODULES}
    assert names & {*sys.stdlib_module_names, *metadata.packages_distributions()} == set()


def test_imports_go_one_way() -> None:
    """No module imports itself through others, and few floors lie on top of each other."""
    graph = TopologicalSorter({name: neighbours(name) for name in MODULES})
    graph.prepare()  # raises CycleError
    floors = 0
    while graph.is_active():
        graph.done(*graph.get_ready())
        floors += 1
    assert floors <= MAX_FLOORS


def test_a_module_neither_prints_nor_ends_the_process() -> None:
    """Messages go to the log, faults are raised."""
    forbidden = {
        "exit", "quit", "sys.exit", "os._exit", "os.abort", "os.kill",
        "print", "breakpoint", "eval", "exec",
    }  # fmt: skip
    offenders = {name: found for name in MODULES if (found := called_functions(name) & forbidden)}
    assert offenders == {}


def test_certificates_are_always_verified() -> None:
    """No switch turns the check of Klaviyo's certificate off."""
    switches = ("verify=False", "CERT_NONE", ".verify =")
    sources = {name: ast.unparse(tree) for name, tree in MODULES.items()}
    assert [
        name for name, source in sources.items() if any(switch in source for switch in switches)
    ] == []


def test_the_folder_holds_nothing_but_modules() -> None:
    """The whole folder is deployed: it holds no data and no tests."""
    others = {file.relative_to(FOLDER).as_posix() for file in FILES if file.suffix != ".py"}
    assert others == {"pyproject.toml", "README.md"}


def test_the_reading_order_names_every_module() -> None:
    """A module that the folder's README leaves out is not found by a newcomer."""
    order = (FOLDER / "README.md").read_text()
    files = (f"{name.replace('.', '/')}.py" for name in MODULES if name not in PACKAGES)
    assert [file for file in files if f"`{file}`" not in order] == []
