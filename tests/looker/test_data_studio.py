"""The link to Data Studio is encoded, and is refused for a report that cannot open."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from looker import __main__ as looker
from looker import data_studio, declaration, semantic

REPORT = "8a6517b8-8fcd-47a2-a953-000000000000"
TODAY = datetime.now(UTC).date()
ALIASES = ["klaviyo__message_performance", "klaviyo__campaign_extract"]
TEMPLATE = {
    "report_id": REPORT,
    "aliases": ALIASES,
    "published": TODAY - timedelta(days=2),
    "verified": TODAY,
}
LOCATION = ["--project", "my-project", "--dataset", "klaviyo"]


def write_template(folder: Path, **changes: object) -> list[str]:
    """Write a template with these values; returns the option that names it."""
    file = folder / "template.yml"
    file.write_text(yaml.safe_dump(TEMPLATE | changes))
    return ["--template", str(file)]


def parse_parameters(address: str) -> dict[str, str]:
    """The parameters of a link, decoded."""
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("https", "lookerstudio.google.com")
    assert parts.path == "/reporting/create"
    return dict(parse_qsl(parts.query, strict_parsing=True))


def test_the_committed_template_is_valid() -> None:
    """The committed record of the report is either empty or complete."""
    data_studio.load().check(semantic.load().columns, TODAY)


def test_without_a_report_the_link_opens_one_mart(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a recorded report the link opens Google's default report, and a warning says so."""
    assert looker.main(["link", *LOCATION]) == 0
    printed = capsys.readouterr()
    assert parse_parameters(printed.out.strip()) == {
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
    """Every alias has all the parameters that Google requires to replace its data source."""
    billing = ["--billing-project", "finance-team"]
    assert looker.main(["link", *LOCATION, *billing, *write_template(tmp_path)]) == 0
    printed = capsys.readouterr()
    link = parse_parameters(printed.out.strip())
    assert link["c.reportId"] == REPORT
    for alias in ALIASES:
        assert link[f"ds.{alias}.connector"] == "bigQuery"
        assert link[f"ds.{alias}.type"] == "TABLE"
        assert link[f"ds.{alias}.projectId"] == "my-project"
        assert link[f"ds.{alias}.datasetId"] == "klaviyo"
        assert link[f"ds.{alias}.tableId"] == alias
        assert link[f"ds.{alias}.billingProjectId"] == "finance-team"
    assert printed.err == ""


def test_every_value_is_encoded() -> None:
    """A title with any letters is decoded unchanged and cannot add a parameter."""
    title = "Ünïcode & more=less?/#%20 + c.reportId=stolen"
    marts = data_studio.MartLocation("my-project", "klaviyo", "my-project")
    address = data_studio.build_link(
        data_studio.Template(), marts, title, "klaviyo__message_performance"
    )
    assert parse_parameters(address)["r.reportName"] == title
    assert "c.reportId" not in parse_parameters(address)
    assert address.isascii()


def test_an_invalid_google_name_is_refused(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """The command exits with 2, its last line quotes the name, and no link is printed."""
    cases = [
        ("--project", "My Project"),
        ("--project", "p"),
        ("--project", "my-project&c.reportId=x"),
        ("--project", ""),
        ("--dataset", "my-dataset"),
        ("--dataset", "klaviyo.klaviyo__message_performance"),
        ("--billing-project", "Finance"),
    ]
    for option, value in cases:
        with subtests.test(option=option, value=value):
            with pytest.raises(SystemExit, match="2"):
                looker.main(["link", *LOCATION, option, value])
            printed = capsys.readouterr()
            assert printed.out == ""
            assert f"{option}: {value!r} cannot be a Google" in printed.err.splitlines()[-1]


def test_an_invalid_template_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """One line names the invalid id, alias or day, and no link is printed."""
    cases: list[tuple[dict[str, object], str]] = [
        ({"report_id": "looker-2026"}, "'looker-2026' cannot be a Google report id"),
        ({"aliases": []}, "without aliases"),
        ({"aliases": ["ds0"]}, "no mart for the alias 'ds0'"),
        ({"published": None}, "`published` must be a day up to today, not None"),
        ({"verified": None}, "`verified` must be a day up to today, not None"),
        ({"verified": TODAY + timedelta(days=2)}, "`verified` must be a day up to today"),
        ({"owner": "me"}, "unexpected keyword argument 'owner'"),
    ]
    for changes, message in cases:
        with subtests.test(changes=changes):
            assert looker.main(["link", *LOCATION, *write_template(tmp_path, **changes)]) == 1
            printed = capsys.readouterr()
            assert printed.out == ""
            [line] = printed.err.splitlines()
            assert message in line


def test_an_old_verification_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than 90 days after the last recorded opening, a warning names its day."""
    old = date(2026, 1, 31)
    assert (
        looker.main(["link", *LOCATION, *write_template(tmp_path, published=old, verified=old)])
        == 0
    )
    assert "was on 2026-01-31" in capsys.readouterr().err
