"""What the documents say is so."""

import re
from pathlib import Path

import pytest
from configuration import KEYS
from streams import AGGREGATES, REPORTS, STREAMS, TABLES

from tests.chaos import fault_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PLACES = (".env.example", "*.md", "[a-z]*/*.md", "looker/*/*.md")
DOCUMENTS = sorted(file for place in PLACES for file in ROOT.glob(place))


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_in_the_readme(table: str) -> None:
    """A raw table is listed with its grain and how often it is asked for."""
    assert f"`{table}`" in README


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_in_the_readme(key: str) -> None:
    """A configuration key is explained with its default."""
    assert f"| `{key}` |" in README


def test_every_scope_is_in_the_readme() -> None:
    """A reader can make a key that is allowed what the tables need."""
    scopes = {one.scope.partition(":")[0] for one in (*STREAMS, *REPORTS, *AGGREGATES)}
    assert all(f"`{scope}`" in README for scope in scopes | {"accounts", "events", "profiles"})


def test_the_readme_is_short_and_begins_with_what_to_type() -> None:
    """Both commands stand in the first 30 lines of at most 150, and make knows them."""
    lines = README.splitlines()
    assert len(lines) <= 150
    makefile = (ROOT / "Makefile").read_text()
    for command in ("demo", "sync"):
        assert any(f"make {command}" in line for line in lines[:30])
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_every_file_the_readme_points_to_exists() -> None:
    """No link and no named test leads nowhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    tests = re.findall(r"`(tests/[\w/]+\.py)`", README)
    assert links
    assert tests
    assert [path for path in (*links, *tests) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_of_a_document_runs_as_it_is_written(document: Path) -> None:
    """Python is that of an environment of ours: another one does not have what it needs."""
    assert re.findall(r"(?<!bin/)\bpython3? -m[ \n]\s*\S+", document.read_text()) == []


def test_no_document_names_this_machine() -> None:
    """What is committed holds no path of the machine it was written on."""
    written = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", ROOT / "Makefile"]
    for file in written:
        assert not re.search(r"(^|[\s`'\"(])/(work|root|home|tmp)/", file.read_text()), file


def test_every_fact_about_klaviyo_is_held_by_a_test() -> None:
    """Each line of the list of facts links to a file that has the test it names."""
    lines = (ROOT / "docs" / "klaviyo_facts.md").read_text().splitlines()
    facts = [line for line in lines if line.startswith("| ") and not line.startswith("| fact |")]
    assert len(facts) > 30
    for fact in facts:
        (link,) = re.findall(r"\| \[`(test_\w+)`\]\(\.\./([\w/]+\.py)\) \|$", fact)
        name, file = link
        assert f"def {name}(" in (ROOT / file).read_text(), fact


def test_the_fault_matrix_is_told_as_it_is_run() -> None:
    """docs/faults.md holds every row of the matrix, and no other; `make chaos` writes it."""
    row = re.compile(r"^\| ([A-Z]\d+) \| (.*?) \| (.*?) \| [\d|]", re.MULTILINE)
    told = row.findall((ROOT / "docs" / "faults.md").read_text())
    assert told == [(one.id, one.fault, one.rule) for one in fault_table.FAULTS]
