"""Every listing that Klaviyo offers is a table, or is left out for a stated reason.

For a newer revision, name the folder of its official client, and the test prints what is new:

    KLAVIYO_CLIENT=/path/to/openapi_client .venv/bin/pytest tests/connector/test_all_listings.py
"""

import os
import re
from pathlib import Path

import openapi_client

from streams import STREAMS
from streams.catalog import ACCOUNTS
from streams.declarations import MembershipStream, ResourceStream
from tests.sandbox.klaviyo_contract import list_paths

CLIENT = Path(os.environ.get("KLAVIYO_CLIENT") or openapi_client.__path__[0])
OPERATION = re.compile(r"method='GET',\s+resource_path='([^']+)'")
LEFT_OUT = {  # pattern of paths to the reason
    r"/api/.*/relationships/.*": "ids alone; the resources themselves are listed",
    r"/api/.*-jobs(/.*)?": "work in progress of other API clients, kept for a short time",
    r"/api/translations(/.*)?": "texts in other languages; the template has the text that is sent",
    r"/api/object-types/\{id\}/(current-schema|draft-schema|schema-versions|object-ingestion-logs)":
        "how custom objects are filled, not what they hold",
    r"/api/object-schemas/.*": "as above",
    r"/api/webhook-topics": "a fixed list of Klaviyo's, not the account's",
    r"/api/campaign-.*/\{id\}/.*|/api/campaigns/\{id\}/.*": "read by the listings of campaigns",
    r"/api/flow.*/\{id\}/.*": "included in the listing of flows",
    r"/api/(lists|segments|metrics)/\{id\}/flow-triggers": "the flow's own trigger_type",
    r"/api/(lists|segments)/\{id\}/tags": "included in the listings",
    r"/api/.*metrics?.*/\{id\}/.*": "relations of metrics, read by their listings",
    r"/api/metrics/\{id\}/metric-properties": "names of properties; events hold the values",
    r"/api/tags?.*/\{id\}/.*": "read by the listings of tags",
    r"/api/events/\{id\}/.*": "read by the listing of events",
    r"/api/profiles/\{id\}/.*|/api/push-tokens/\{id\}/profile": "one request per person",
    r"/api/catalog-variants": "included in the listing of products, which alone names theirs",
    r"/api/catalog-.*/\{id\}/.*": "read by the listings of the catalogue",
    r"/api/coupon.*/\{id\}/.*": "read by the listing of codes",
    r"/api/form-versions/\{id\}/form": "the listing of versions is by form",
    r"/api/text-messaging-senders/\{id\}/.*": "papers of a sender's registration",
}  # fmt: skip


def list_requested() -> set[str]:
    """The paths that the streams request."""
    paths = {ACCOUNTS.path}
    for stream in STREAMS:
        paths.add(stream.path)
        if isinstance(stream, ResourceStream):
            paths |= {*stream.other_paths}
        if isinstance(stream, MembershipStream):
            paths |= {listing.path for listing in stream.listings}
    return paths


def list_offered(client: Path = CLIENT) -> set[str]:
    """The GET paths of the official client and of the OpenAPI that are no single record's."""
    modules = (client / "api").glob("*.py")
    found = {path for module in modules for path in OPERATION.findall(module.read_text())}
    return {
        path for path in found | list_paths() if not path.endswith("}") and "report" not in path
    }


def list_unread(offered: set[str]) -> list[str]:
    """The paths that are neither requested nor left out for a reason."""
    reasons = [re.compile(pattern) for pattern in LEFT_OUT]
    return sorted(
        path
        for path in offered - list_requested()
        if path != "/api/metric-aggregates"
        and not any(reason.fullmatch(path) for reason in reasons)
    )


def test_every_listing_is_a_table_or_left_out_for_a_reason() -> None:
    """A path that is new in the client, and one that no longer exists, are both named."""
    offered = list_offered()
    gone = {path for path in list_requested() - offered if "report" not in path}
    gone = {path for path in gone - {"/api/metric-aggregates"} if not path.endswith("}")}
    new = list_unread(offered)
    assert not new, f"add a table (ARCHITECTURE.md) or a reason (LEFT_OUT) for {', '.join(new)}"
    assert not gone, f"no longer offered: {', '.join(sorted(gone))}"


def test_a_listing_of_a_newer_client_is_named(tmp_path: Path) -> None:
    """Of a client with one listing more and a record's path, that listing alone is new."""
    (tmp_path / "api").mkdir()
    operations = (f"method='GET',\n  resource_path='/api/gifts{end}'" for end in ("", "/{id}"))
    (tmp_path / "api" / "gifts_api.py").write_text("\n".join(operations))
    assert list_unread(list_offered(tmp_path)) == ["/api/gifts"]


def test_no_reason_is_left_over() -> None:
    """Each reason leaves out a path that exists."""
    offered = list_offered() - list_requested()
    assert [
        pattern for pattern in LEFT_OUT if not any(re.fullmatch(pattern, path) for path in offered)
    ] == []
