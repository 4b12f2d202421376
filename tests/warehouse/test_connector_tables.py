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


def test_a_change_in_the_connector_is_drift(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """A table, report or requirement that only the connector has fails the check and is printed."""
    some_streams = [stream for stream in streams.STREAMS if stream.name != "form_daily"]
    for module, name, value in [
        (streams, "TABLES", {**streams.TABLES, "gift_card": streams.TABLES["tag"]}),
        (streams, "REPORTING", (*streams.REPORTING, "template")),
        (registry, "ALWAYS_SYNCED", registry.ALWAYS_SYNCED[:-1]),
        (streams, "STREAMS", some_streams),
        (configuration, "REQUIRED_TABLES", {**configuration.REQUIRED_TABLES, "gift_card": "tag"}),
    ]:
        with subtests.test(name), pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, value)
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
            file = tmp_path / name
            monkeypatch.setattr(generate_dbt, name, file)

            assert generate_dbt.main(["--check"]) == 1
            assert generate_dbt.main([]) == generate_dbt.main(["--check"]) == 0
            file.write_text(file.read_text().replace(edit, ""))
            assert generate_dbt.main(["--check"]) == 1
