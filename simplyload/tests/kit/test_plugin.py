"""A source of the user's own in the configuration, and the page that says how to write it."""

import json
from pathlib import Path

import pytest
import yaml

from simplyload.cli import main
from simplyload.config import read_configuration
from simplyload.errors import ConfigurationError
from simplyload.testing.server import serve
from tests.kit.fake_desk import TOKEN, DeskHandler, FakeDesk

ROOT = Path(__file__).parents[2]


def write(folder: Path, **source: object) -> Path:
    """Write a configuration with one source."""
    file = folder / "simplyload.yml"
    file.write_text(yaml.safe_dump({"sources": {"desk": source}, "log": "log"}))
    return file


@pytest.mark.parametrize("path", ["examples/desk.py", "tests/kit/test_desk.py"])
def test_the_page_shows_the_files_that_are_tested(path: str) -> None:
    """What a reader copies from the page is what passes the kit."""
    page = (ROOT / "docs/write_a_source.md").read_text()
    assert f"```python\n{(ROOT / path).read_text()}```" in page


def test_a_source_of_the_users_own_runs_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`type: module:Class` is validated, loaded and compared as any other source."""
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    with serve(FakeDesk(), DeskHandler) as desk:
        for number in range(7):
            desk.put(title=f"ticket {number}")
        file = write(
            tmp_path, type="examples.desk:Desk", url=desk.address, token="${DESK_TOKEN}", schema="d"
        )
        for command in (["validate"], ["sync"], ["check"], ["config"]):
            assert main([*command, "--config", str(file)]) == 0
    out = capsys.readouterr().out
    [check] = [json.loads(line) for line in out.splitlines() if '"equal"' in line]
    assert (check["equal"], check["destination_rows"]) == ("yes", 7)
    assert "schema: d" in out
    assert "token: '**********'" in out
    assert TOKEN not in out


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Keyless", "The key of tickets () is not among its columns"),
        ("Timed", "Column at of tickets has type time64[us], which no destination has"),
    ],
)
def test_validate_names_a_table_that_sync_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, problem: str
) -> None:
    """A key that is none, and a type that no destination has: `validate` says what `sync` does."""
    with serve(FakeDesk(), DeskHandler) as desk:
        desk.put(title="a ticket")
        file = write(tmp_path, type=f"tests.kit.wrong:{name}", url=desk.address, token=TOKEN)
        for command in ("validate", "sync"):
            assert main([command, "--config", str(file)]) == 1
            assert problem in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            {"type": "examples.dsk:Desk"},
            r"type: Python finds no module examples\.dsk.*PYTHONPATH",
        ),
        (
            {"type": "examples.desk:Dsk"},
            r"type: examples\.desk has no class Dsk with `Settings`",
        ),
        (
            {"type": "tests.kit.wrong:NotASource"},
            r"type: tests\.kit\.wrong:NotASource has no read, ack, .*: BaseSource has all",
        ),
        ({"type": "tests.kit.wrong:Unfinished"}, r"type: .*Unfinished has no tables, read: Base"),
        ({"type": "tests.kit.wrong:Alone"}, r"type: .*Alone has to take its settings and the name"),
        ({"type": ".desk:Desk"}, r"type: .* as in my_package\.desk:Desk"),
        ({"type": "examples/desk.py:Desk"}, r"desk\.type: .* as in my_package\.desk:Desk"),
        ({"type": "desk"}, r"desk\.type is unknown: .*'salesforce' or .*package\.module:Class"),
        ({"url": "x"}, r"desk\.type is missing"),
        ({"type": "examples.desk:Desk", "url": "http://x"}, r"desk\.url: the key is sent there"),
        ({"type": "examples.desk:Desk", "tken": "hunter2"}, r"desk\.tken is no setting"),
        ({"type": "examples.desk:Desk", "token": 5}, r"desk\.token: the value must be text"),
    ],
)
def test_r35_what_is_wrong_with_it_is_named_with_the_remedy(
    tmp_path: Path, source: dict[str, object], problem: str
) -> None:
    """Module, class and settings each have a sentence of their own, without a value."""
    with pytest.raises(ConfigurationError, match=problem) as raised:
        read_configuration(write(tmp_path, **source))
    assert "hunter2" not in str(raised.value)


def test_a_module_that_cannot_be_imported_is_named_without_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error at import is one sentence with the way to see it: its text may have a secret."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "failing_source.py").write_text("raise OSError('hunter2')")
    problem = r"type: Python cannot import failing_source \(OSError\): python -c"
    with pytest.raises(ConfigurationError, match=problem) as raised:
        read_configuration(write(tmp_path, type="failing_source:Desk"))
    assert "hunter2" not in str(raised.value)
