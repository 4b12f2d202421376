"""simplyload.yml: errors, precedence, secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from simplyload.config import read_configuration
from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.errors import ConfigurationError
from simplyload.streams import CLASSES

GOOD = """
sources:
  shop:
    type: postgres
    host: 127.0.0.1
    database: shop
    user: simplyload
    password: ${SHOP_PASSWORD}
destination: {type: duckdb, path: build/x.duckdb}
"""

BAD = """
sources:
  shop: {type: postgres, host: h, prt: 5432, database: d, user: u, password: hunter2, mode: cdk}
  Klaviyo: {type: klaviyo}
  other: {type: oracle}
destination: {type: duckdb, path: "${NO_SUCH}/x.duckdb"}
pipeline: {max_chnges: 1, max_seconds: soon}
colour: red
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a correct file; its variable is set."""
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2hunter2")
    path = tmp_path / "simplyload.yml"
    path.write_text(GOOD)
    return path


@pytest.mark.parametrize("setting", ["schema: freeze", "deletes: remove"])
def test_r35_what_a_parquet_destination_cannot_do_is_refused(file: Path, setting: str) -> None:
    """Files hold every change as it was made: a setting that they cannot honour is an error."""
    parquet = GOOD.replace("type: duckdb", "type: parquet")
    file.write_text(f"{parquet}pipeline: {{{setting}}}")
    with pytest.raises(ConfigurationError, match="pipeline: a parquet destination"):
        read_configuration(file)
    file.write_text(f"{GOOD}pipeline: {{{setting}}}")
    read_configuration(file)


SHARED = """
sources:
  one: {type: postgres, host: h, database: a, user: u, schema: same}
  two: {type: postgres, host: h, database: b, user: u, schema: Same}
  three: {type: postgres, host: h, database: c, user: u, schema: four}
  four: {type: postgres, host: h, database: d, user: u}
"""


def test_two_sources_of_one_schema_are_refused(file: Path) -> None:
    """Every schema that two sources would load into is named with both, beside other problems."""
    file.write_text(f"{SHARED}colour: red")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    assert (
        "sources: one and two load into one schema, `same`; three and four load into one schema,"
        " `four`: give each a `schema` of its own" in str(caught.value)
    )
    assert "colour is no setting" in str(caught.value)


def test_a_schema_of_simplyload_itself_is_refused(file: Path) -> None:
    """No stream loads beside the metadata, whose tables might have the names of its own."""
    file.write_text(GOOD.replace("type: postgres", "type: postgres\n    schema: _SimplyLoad"))
    with pytest.raises(ConfigurationError, match=r"sources: stream shop has the schema .* another"):
        read_configuration(file)


def test_a_schema_is_refused_where_the_destination_has_none(file: Path) -> None:
    """Parquet files are in a folder of the stream's name: a `schema` without effect is an error."""
    shop = GOOD.replace("type: duckdb", "type: parquet")
    file.write_text(shop.replace("type: postgres", "type: postgres\n    schema: other"))
    with pytest.raises(ConfigurationError, match=r"destination: .* leave out `schema` of shop"):
        read_configuration(file)


def test_r35_every_problem_is_named_at_once_with_its_remedy(file: Path) -> None:
    """One error has every wrong key, the nearest known one or the values, and no secret."""
    file.write_text(BAD)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    message = str(caught.value)
    for part in (
        "sources.shop.prt is no setting: remove it; did you mean port?",
        "sources.shop.mode: the value must be 'auto', 'cdc', 'poll' or 'copy'",
        "sources.Klaviyo: ",
        "sources.other.type is unknown: use one of 'postgres', 'klaviyo'",
        "destination.path: the environment has no variable NO_SUCH; set it",
        "pipeline.max_chnges is no setting: remove it; did you mean max_changes?",
        "pipeline.max_seconds: the value must be a valid number",
        "colour is no setting",
    ):
        assert part in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("sources.shop", ("host", "database", "user")),
        ("destination", ("host", "database", "user")),
        ("destination", ("account", "user", "role", "warehouse", "database")),
    ],
)
def test_r35_a_name_that_is_empty_is_refused(
    file: Path, place: str, names: tuple[str, ...]
) -> None:
    """An empty name, of a variable that is set to nothing for instance, is named by its key: a
    driver would take another one in its place.
    """
    kind = "snowflake" if "account" in names else "postgres"
    overrides = [f"{place}.type={kind}", *(f"{place}.{name}=''" for name in names)]
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file, overrides)
    for name in names:
        assert f"{place}.{name}: the value must have at least 1 character" in str(caught.value)


def test_r35_a_variable_that_is_not_set_is_one_problem(file: Path) -> None:
    """What the empty value would break is no second problem."""
    file.write_text(GOOD.replace("host:", "port: ${NO_SUCH}\n    host:"))
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    assert str(caught.value).count("\n") == 1
    assert "sources.shop.port: the environment has no variable NO_SUCH" in str(caught.value)


def test_a_missing_key_is_named(file: Path) -> None:
    """A source without its database and a destination without one are two problems."""
    file.write_text(
        "sources: {shop: {type: postgres, host: h, user: u}}\n"
        "destination: {type: postgres, user: u}"
    )
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    assert "sources.shop.database is missing: add it" in str(caught.value)
    assert "destination.database is missing: add it" in str(caught.value)


def test_duckdb_is_the_default_destination(file: Path) -> None:
    """Without the section `destination` rows go into a DuckDB file beside the configuration."""
    file.write_text(GOOD.partition("destination")[0])
    destination = read_configuration(file).destination
    assert isinstance(destination, DuckDBSettings)
    assert destination.path == file.parent / "build" / "simplyload.duckdb"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sources: {shop: 1\npassword: hunter2", "line 2"),
        ("a: 1\na: hunter2", "a occurs twice"),
        ("", "needs `sources` and `destination`"),
    ],
)
def test_broken_yaml_is_located_and_not_repeated(file: Path, text: str, problem: str) -> None:
    """An error of YAML has its place, and not the text of the line, which may hold a secret."""
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_command_line_is_before_the_environment_before_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of three values comes from the strongest place that has it."""
    monkeypatch.setenv("SIMPLYLOAD_DESTINATION__PATH", "/from/environment")
    monkeypatch.setenv("SIMPLYLOAD_SOURCES__SHOP__PORT", "6543")
    read = read_configuration(file, ["destination.path=/from/command_line"])
    assert read.destination.model_dump()["path"] == Path("/from/command_line")
    shop = read.sources["shop"].model_dump()
    assert (shop["port"], shop["host"]) == (6543, "127.0.0.1")


def test_a_variable_that_sets_nothing_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelled variable with our prefix is an error, and not silently without effect."""
    monkeypatch.setenv("SIMPLYLOAD_DESTINTION__PATH", "x")
    with pytest.raises(ConfigurationError, match="did you mean destination"):
        read_configuration(file)


@pytest.mark.parametrize("name", ["SIMPLYLOAD_GCS", "SIMPLYLOAD_SOURCES__SHOP__TABLES"])
def test_a_variable_that_is_no_json_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A section or a list that cannot be read is named by its variable, without its value."""
    monkeypatch.setenv(name, "[hunter2")
    with pytest.raises(ConfigurationError, match=f"the variable {name} is no JSON") as caught:
        read_configuration(file)
    assert "hunter2" not in str(caught.value)


def test_relative_paths_begin_at_the_file(file: Path) -> None:
    """A run from another folder, as of cron, finds the same files."""
    read = read_configuration(file)
    assert read.destination.model_dump()["path"] == file.parent / "build" / "x.duckdb"
    assert read.log == file.parent / "build" / "log"


@pytest.mark.parametrize("password", ["p@ss", "p#a", "100%", "a/b", "a b'c\\", "${x}", "ü: y"])
def test_a21_any_password_arrives_and_is_never_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """A password of the environment reaches the source as it is, and is masked in what is shown."""
    monkeypatch.setenv("SHOP_PASSWORD", password)
    read = read_configuration(file)
    secret = read.sources["shop"].model_dump()["password"]
    assert secret.get_secret_value() == password
    shown = yaml.safe_load(read.as_yaml())
    assert set(shown["sources"]["shop"]["password"]) == {"*"}
    assert password not in read.as_yaml()


ODD = ["0123", "yes", "null", "0x1F", "12:30:45", "=", "~", "1e5", "$HOME", 'p@ss: #1"$HOME\\n']


@pytest.mark.parametrize("password", ODD)
def test_su1_a_variable_is_text_and_is_never_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """No value becomes a number, a flag or another variable, nor breaks the file."""
    monkeypatch.setenv("SHOP_PASSWORD", password)
    secret = read_configuration(file).sources["shop"].model_dump()["password"]
    assert secret.get_secret_value() == password


def test_su1_a_dollar_is_written_twice_before_a_brace(file: Path) -> None:
    """`$${NAME}` is the text `${NAME}`; a dollar without a brace is a dollar."""
    file.write_text(GOOD.replace("${SHOP_PASSWORD}", "$HOME $${SHOP_PASSWORD}"))
    secret = read_configuration(file).sources["shop"].model_dump()["password"]
    assert secret.get_secret_value() == "$HOME ${SHOP_PASSWORD}"


def test_su6_a_start_date_that_is_none_is_named(file: Path) -> None:
    """It is a wrong setting with its key, and no read of nothing."""
    stripe = "sources: {pay: {type: stripe, api_key: rk_test_1, tables: [charges], start_date: %s}}"
    problem = r"sources\.pay\.start_date: the value must be"
    file.write_text(stripe % "2026-13-01")
    with pytest.raises(ConfigurationError, match=problem):
        read_configuration(file)
    file.write_text(stripe % "2026-12-01")
    with pytest.raises(ConfigurationError, match=problem):
        read_configuration(file, ["sources.pay.start_date=2026-02-30"])


def test_r35_a_value_of_set_that_is_no_yaml_is_named(file: Path) -> None:
    """The error names the key and the remedy, and not the value, which may be a secret."""
    with pytest.raises(ConfigurationError, match="--set log: the value is no YAML; quote it"):
        read_configuration(file, ["log=y=1: hunter2: :"])


def test_a_command_imports_no_source_and_no_destination_before_it_opens_one() -> None:
    """Most of them are not in use, and their libraries take longer than a command."""
    program = "import sys, simplyload.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    opened = {module for module, _ in CLASSES.values()} | {"boto3", "google.cloud", "snowflake"}
    with_settings = {"sources.klaviyo", *(f"destinations.{n}" for n in ("duckdb", "postgres"))}
    opened -= {f"simplyload.{name}" for name in (*with_settings, "destinations.parquet")}
    assert opened & set(done.stdout.split()) == set()
