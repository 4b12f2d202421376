"""docs/unproven.md: each system, what was used instead, and commands that exist."""

import re
from pathlib import Path

from simplyload.cli import app

FOLDER = Path(__file__).parents[2]
DOCUMENT = (FOLDER / "docs" / "unproven.md").read_text()
SYSTEMS = (
    *("Snowflake", "BigQuery", "Amazon S3", "Google Cloud Storage"),
    *("Stripe", "Salesforce", "Klaviyo"),
)
PLATFORMS = ("Amazon ECS", "Kubernetes")


def test_its_commands_exist() -> None:
    """Each command is one of the program or of the Makefile; its variables are those of tests."""
    named = set(re.findall(r"`simplyload ([a-z]+)", DOCUMENT))
    assert named >= {"validate", "sync", "check"}
    assert named <= set(app)
    makefile = FOLDER.parent / "Makefile"
    targets = re.findall(r"`make\s([a-z-]+)`", DOCUMENT)
    assert targets
    if makefile.exists():  # SimplyLoad may stand alone
        text = makefile.read_text()
        assert [target for target in targets if f"\n{target}:" not in text] == []
    tests = "".join(file.read_text() for file in (FOLDER / "tests" / "core").glob("*_server.py"))
    variables = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", DOCUMENT)
    assert len(variables) == 2
    assert [variable for variable in variables if f'"{variable}"' not in tests] == []


def test_it_names_every_system_and_the_readme_links_it() -> None:
    """No vendor's system is left out, and each row has all four cells."""
    rows = re.findall(r"^\| ([A-Z][^|]*?) \|(.*)\|$", DOCUMENT, re.MULTILINE)
    assert {*SYSTEMS, *PLATFORMS} <= {name for name, _ in rows}
    assert [name for name, cells in rows if len(cells.split(" | ")) != 3] == []
    assert "](docs/unproven.md)" in (FOLDER / "README.md").read_text()


def test_its_links_lead_to_files_and_headings() -> None:
    """Each link leads to a file, and to a heading of it where it names one."""
    for path, anchor in re.findall(r"\]\(([^):#]+)#?([\w-]*)\)", DOCUMENT):
        file = FOLDER / "docs" / path
        assert file.exists(), path
        headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {_to_anchor(heading) for heading in headings}, anchor


def _to_anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
