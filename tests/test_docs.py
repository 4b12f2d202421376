"""What the documents say is so."""

import re
from pathlib import Path

from configuration import KEYS
from streams import STREAMS, TABLES
from tests.chaos import fault_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PLACES = (".env.example", "*.md", "[a-z]*/*.md", "looker/*/*.md")
DOCUMENTS = sorted(file for place in PLACES for file in ROOT.glob(place))
LONGEST = {"ARCHITECTURE.md": 100, "CONTRIBUTING.md": 50}  # in lines
SYSTEM_MODULE = re.compile(r"(?<!bin/)\bpython3? -m[ \n]\s*(?!venv\b)\S+")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
CELL_END = re.compile(r"(?<!\\)\|")
FAULT_ROW = re.compile(r"^\| ([A-Z]\d+) \| (.*?) \| (.*?) \| [\d|]", re.MULTILINE)


def test_every_table_is_documented() -> None:
    """docs/tables.md has each raw table, with its grain and how often it is requested."""
    document = (ROOT / "docs" / "tables.md").read_text()
    assert [table for table in TABLES if f"`{table}`" not in document] == []


def test_the_readme_shows_one_of_the_documented_queries() -> None:
    """The README's query and rows are those of docs/queries.md, which run on DuckDB."""
    [example] = re.findall(r"```sql\n.+?```\n\n(?:\|[^\n]+\n)+", README, re.DOTALL)
    assert example in (ROOT / "docs" / "queries.md").read_text()


def test_readme_explains_every_setting() -> None:
    """Every configuration key is in the README, with its default."""
    assert [key for key in KEYS if f"| `{key}` |" not in README] == []


def test_readme_lists_every_scope() -> None:
    """A reader can make a key with just the scopes that the tables need."""
    declared = {stream.scope.partition(":")[0] for stream in STREAMS}
    scopes = declared | {"accounts", "events", "profiles"}
    assert [scope for scope in scopes if f"`{scope}`" not in README] == []


def test_readme_is_short_and_begins_with_the_commands() -> None:
    """Both commands are in the first 30 lines of at most 150, and the Makefile has them."""
    lines = README.splitlines()
    makefile = (ROOT / "Makefile").read_text()
    assert len(lines) <= 150
    for command in ("demo", "sync"):
        assert any(f"make {command}" in line for line in lines[:30])
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_the_map_and_the_rules_are_short() -> None:
    """A newcomer reads the map in 100 lines and the rules in 50."""
    lines = {name: len((ROOT / name).read_text().splitlines()) for name in LONGEST}
    assert {name: count for name, count in lines.items() if count > LONGEST[name]} == {}


def _anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    texts = (re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def test_links_lead_to_files_and_headings() -> None:
    """Every relative link of a document leads to a file and, with an anchor, to its heading."""
    offenders = []
    for document in set(DOCUMENTS) - set(ROOT.glob("looker/templates/*.md")):
        for link in re.findall(r"\]\(([^)\s:]+)\)", document.read_text()):
            path, _, anchor = link.partition("#")
            target = (document.parent / path) if path else document
            if not target.exists() or (anchor and anchor not in _anchors(target)):
                offenders.append(f"{document.name}: {link}")
    assert offenders == []


def test_the_readme_names_existing_tests() -> None:
    """Each guarantee of the README names files of tests that exist."""
    tests = re.findall(r"`(tests/[\w/]+\.py)`", README)
    assert tests
    assert [path for path in tests if not (ROOT / path).exists()] == []


def test_documented_commands_use_our_environments() -> None:
    """No document calls the system's Python, which lacks the packages that a command needs."""
    assert DOCUMENTS
    offenders = {str(file): SYSTEM_MODULE.findall(file.read_text()) for file in DOCUMENTS}
    assert {file: commands for file, commands in offenders.items() if commands} == {}


def test_every_fact_about_klaviyo_has_a_test() -> None:
    """Each row of the list of facts links to the file of the test that it names."""
    lines = (ROOT / "docs" / "klaviyo_facts.md").read_text().splitlines()
    facts = [line for line in lines if line.startswith("| ") and not line.startswith("| fact |")]
    links = [re.findall(r"\| \[`(test_\w+)`\]\(\.\./([\w/]+\.py)\) \|$", fact) for fact in facts]
    assert len(facts) > 30
    assert [fact for fact, link in zip(facts, links, strict=True) if len(link) != 1] == []
    named = [pair for link in links for pair in link]
    assert [pair for pair in named if f"def {pair[0]}(" not in (ROOT / pair[1]).read_text()] == []


def test_every_row_of_a_table_is_complete() -> None:
    """In every document each row of a table has as many cells as the row of its head."""
    offenders = [
        f"{file.name}: {row:.60}"
        for file in DOCUMENTS
        for table in TABLE.findall(file.read_text())
        for row in table.splitlines()
        if len(CELL_END.findall(row)) != len(CELL_END.findall(table.splitlines()[0]))
    ]
    assert offenders == []


def test_fault_document_equals_the_fault_table() -> None:
    """docs/faults.md holds every row of the table, and no other; `make chaos` writes it."""
    documented = FAULT_ROW.findall((ROOT / "docs" / "faults.md").read_text())
    assert documented == [(row.id, row.fault, row.rule) for row in fault_table.FAULTS]
