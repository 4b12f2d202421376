"""An id arrives at Klaviyo whole, whatever characters it holds."""

from typing import Any
from urllib.parse import quote

import pytest
from werkzeug import Request

from klaviyo_sandbox.api.filters import parse
from tests.connector.scripted import DAY, ScriptedAccount, resource, run

ODD = 'a/b?c#d"e%41 f\\'
LONG_AGO = "2026-10-01T12:00:00+00:00"
# The table that has a row for each child of a record, the record's listing and the child's.
CHILDREN = {
    "campaign_variation": ("/api/campaign-messages", "campaign-variations"),
    "list_profile": ("/api/lists", "profiles"),
    "segment_profile": ("/api/segments", "profiles"),
    "form_version": ("/api/forms", "form-versions"),
    "custom_object_record": ("/api/object-types", "object-records"),
    "catalog_category_item": ("/api/catalog-categories", "relationships/items"),
}


@pytest.mark.parametrize("table", CHILDREN)
def test_an_id_in_a_path_is_quoted(account: ScriptedAccount, table: str) -> None:
    """The listing of a record with an odd id is requested at that id, as one part of the path."""
    parent, child = CHILDREN[table]
    times = ("updated", "updated_at", "joined_group_at")
    made: dict[str, Any] = dict.fromkeys(times, LONG_AGO)
    paths: list[str] = []

    def note(request: Request) -> None:
        paths.append(request.environ["RAW_URI"].partition("?")[0])

    account.documents[parent] = [resource("parent", ODD, definition={}, **made)]
    account.documents[f"{parent}/{ODD}/{child}"] = [resource("child", "c", **made)]
    account.responses[f"{parent}/{ODD}/{child}"] = note
    done = run(tables=table)
    assert done.error is None
    assert set(paths) == {f"{parent}/{quote(ODD, safe='')}/{child}"}
    assert len(done.rows(table)) == 1


def test_an_id_in_a_filter_is_quoted(account: ScriptedAccount) -> None:
    """The filters by a coupon, a metric and a person who is gone hold their odd ids as text."""
    account.documents["/api/coupons"] = [resource("coupon", ODD)]
    account.documents["/api/metrics"] = [resource("metric", ODD, name="Order")]
    account.documents["/api/profiles"] = [
        resource("profile", id_, updated=LONG_AGO, created=LONG_AGO) for id_ in (ODD, "stays")
    ]
    tables = "coupon_code,event,profile"
    first = run(tables=tables, event_metrics="Order")
    account.documents["/api/profiles"].pop(0)
    account.now += DAY
    second = run(first.state, tables=tables, event_metrics="Order")
    assert (first.error, second.error) == (None, None)
    codes = account.requests_to("/api/coupon-codes")[-1]
    assert parse(codes.params["filter"])[0].value == (ODD,)
    events = [parse(request.params["filter"])[0] for request in account.requests_to("/api/events")]
    assert {(event.field, event.value) for event in events} == {
        ("metric_id", ODD),
        ("profile_id", ODD),
    }
