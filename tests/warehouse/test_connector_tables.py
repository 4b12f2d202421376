"""dbt's lists of the connector's tables are generated, and drift fails `make check`."""

from pathlib import Path

import pytest

import configuration
import streams
from scripts import generate_dbt
from streams import registry


def test_the_committed_files_are_those_of_the_connector(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The committed files equal what the connector of this commit generates."""
    assert generate_dbt.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["TABLES", "REPORTING", "ALWAYS_SYNCED", "STREAMS", "REQUIRED_TABLES"]
)
def test_a_change_in_the_connector_is_drift(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table, report or requirement that only the connector has fails the check and is printed."""
    changed = {
        "TABLES": (streams, {**streams.TABLES, "gift_card": streams.TABLES["tag"]}),
        "REPORTING": (streams, (*streams.REPORTING, "template")),
        "ALWAYS_SYNCED": (registry, registry.ALWAYS_SYNCED[:-1]),
        "STREAMS": (
            streams,
            [stream for stream in streams.STREAMS if stream.name != "form_daily"],
        ),
        "REQUIRED_TABLES": (configuration, {**configuration.REQUIRED_TABLES, "gift_card": "tag"}),
    }
    module, value = changed[name]
    monkeypatch.setattr(module, name, value)

    assert generate_dbt.main(["--check"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("--- committed/connector_tables.sql\n")
    assert "run `.venv/bin/python -m scripts.generate_dbt`" in printed.err


def test_generating_again_removes_the_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """A hand edit or a missing file fails the check until the command has run."""
    for name, edit in [("MACROS", "'metric',"), ("SOURCES", "locale"), ("EXPOSURES", "LookML")]:
        with subtests.test(name=name):
            file = tmp_path / "generated"
            monkeypatch.setattr(generate_dbt, name, file)

            assert generate_dbt.main(["--check"]) == 1
            assert generate_dbt.main([]) == generate_dbt.main(["--check"]) == 0
            file.write_text(file.read_text().replace(edit, ""))
            assert generate_dbt.main(["--check"]) == 1
