"""The link to Data Studio: everything encoded, nothing made up, no dead link printed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from looker import __main__ as looker
from looker import declaration, semantic, studio

REPORT = "8a6517b8-8fcd-47a2-a953-000000000000"
TODAY = datetime.now(UTC).date()
ALIASES = ["klaviyo__message_performance", "klaviyo__campaign_extract"]
RECORDED = {
    "report_id": REPORT,
    "aliases": ALIASES,
    "published": TODAY - timedelta(days=2),
    "verified": TODAY,
}
PLACE = ["--project", "my-project", "--dataset", "klaviyo"]


def recorded(folder: Path, **changes: object) -> list[str]:
    """The option that names a template of these values."""
    file = folder / "template.yml"
    file.write_text(yaml.safe_dump(RECORDED | changes))
    return ["--template", str(file)]


def parameters(address: str) -> dict[str, str]:
    """What an address asks for, decoded."""
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("https", "lookerstudio.google.com")
    assert parts.path == "/reporting/create"
    return dict(parse_qsl(parts.query, strict_parsing=True))


def test_the_committed_template_is_true() -> None:
    """What is recorded of the report passes its own check: nothing is recorded, or all of it."""
    studio.load().check(semantic.load().columns, TODAY)


def test_without_a_report_the_link_opens_one_mart(capsys: pytest.CaptureFixture[str]) -> None:
    """It is Google's default report in its editor, without an alias, and people are told so."""
    assert looker.main(["link", *PLACE]) == 0
    printed = capsys.readouterr()
    assert parameters(printed.out.strip()) == {
        "r.reportName": declaration.load(semantic.load()).title,
        "c.mode": "edit",
        "ds.connector": "bigQuery",
        "ds.type": "TABLE",
        "ds.projectId": "my-project",
        "ds.datasetId": "klaviyo",
        "ds.tableId": "klaviyo__message_performance",
        "ds.billingProjectId": "my-project",
        "ds.datasourceName": "klaviyo__message_performance",
    }
    assert "No report is recorded" in printed.err


def test_a_recorded_report_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every alias gets all that Google requires to replace its data source."""
    paid = ["--billing-project", "finance-team"]
    assert looker.main(["link", *PLACE, *paid, *recorded(tmp_path)]) == 0
    printed = capsys.readouterr()
    asked = parameters(printed.out.strip())
    assert asked["c.reportId"] == REPORT
    for alias in ALIASES:
        assert asked[f"ds.{alias}.connector"] == "bigQuery"
        assert asked[f"ds.{alias}.type"] == "TABLE"
        assert asked[f"ds.{alias}.projectId"] == "my-project"
        assert asked[f"ds.{alias}.datasetId"] == "klaviyo"
        assert asked[f"ds.{alias}.tableId"] == alias
        assert asked[f"ds.{alias}.billingProjectId"] == "finance-team"
    assert printed.err == ""


def test_every_value_is_encoded() -> None:
    """A title of any letters arrives as it is, and cannot add a parameter of its own."""
    title = "Ünïcode & more=less?/#%20 + c.reportId=stolen"
    marts = studio.Marts("my-project", "klaviyo", "my-project")
    address = studio.link(studio.Template(), marts, title, "klaviyo__message_performance")
    assert parameters(address)["r.reportName"] == title
    assert "c.reportId" not in parameters(address)
    assert address.isascii()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--project", "My Project"),
        ("--project", "p"),
        ("--project", "my-project&c.reportId=x"),
        ("--project", ""),
        ("--dataset", "my-dataset"),
        ("--dataset", "klaviyo.klaviyo__message_performance"),
        ("--billing-project", "Finance"),
    ],
)
def test_a_name_google_does_not_allow_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name is quoted in one line, and no link is printed."""
    assert looker.main(["link", *PLACE, option, value]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith(repr(value))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"report_id": "looker-2026"}, "'looker-2026' cannot be a Google report id"),
        ({"aliases": []}, "without aliases"),
        ({"aliases": ["ds0"]}, "no mart for the alias 'ds0'"),
        ({"published": None}, "`published` must be a day up to today, not None"),
        ({"verified": None}, "`verified` must be a day up to today, not None"),
        ({"verified": TODAY + timedelta(days=1)}, "`verified` must be a day up to today"),
        ({"owner": "me"}, "unexpected keyword argument 'owner'"),
    ],
)
def test_a_report_nobody_has_seen_is_not_linked(
    changes: dict[str, object],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An id, an alias or a day that cannot be true is named, and no link is printed."""
    assert looker.main(["link", *PLACE, *recorded(tmp_path, **changes)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert complaint in line


def test_a_link_nobody_has_opened_for_long_comes_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shared report may vanish unseen: after 90 days people are told when it was last opened."""
    old = date(2026, 1, 31)
    assert looker.main(["link", *PLACE, *recorded(tmp_path, published=old, verified=old)]) == 0
    assert "since 2026-01-31" in capsys.readouterr().err
