"""Each fault of the sandbox reaches a client on the socket, and ends when it is cleared."""

from __future__ import annotations

import http.client
import socket
import zlib
from contextlib import closing
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from klaviyo_sandbox.http.faults import ALTERATIONS, NAMES
from tests.sandbox.endpoint_samples import REPORT_ENDPOINTS, report_attributes
from tests.sandbox_server import KEY, REVISION, Sandbox, build_body, run_sandbox

PATH = "/api/campaigns?page[size]=3"


def read_raw(sandbox: Sandbox, path: str = PATH) -> bytes:
    """Return all bytes of a response, until the server closes the connection."""
    address = urlsplit(sandbox.url)
    assert address.hostname
    assert address.port
    with closing(socket.create_connection((address.hostname, address.port), 10)) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nrevision: {REVISION}\r\n"
            f"Authorization: Klaviyo-API-Key {KEY}\r\nConnection: close\r\n\r\n".encode()
        )
        received = b""
        while piece := connection.recv(1 << 16):
            received += piece
        return received


def test_failing_status(fresh_sandbox: Sandbox) -> None:
    """A status fault responds with that status the given number of times, and then no more."""
    for status in ("429", "500", "502", "503", "504", "524", "401"):
        fresh_sandbox.clear_faults()
        fresh_sandbox.fault(status, times=2)
        statuses = [fresh_sandbox.request("GET", PATH).status_code for _ in range(3)]
        assert statuses == [int(status), int(status), 200]


def test_retry_after(fresh_sandbox: Sandbox) -> None:
    """A 429 carries the given Retry-After, or none."""
    headers = {7: "7", "0": "0", "junk": "junk", "-5": "-5", "none": None}
    for retry_after, header in headers.items():
        fresh_sandbox.clear_faults()
        fresh_sandbox.fault("429", retry_after=retry_after)
        response = fresh_sandbox.request("GET", PATH)
        assert response.headers.get("retry-after") == header


def test_retry_after_as_a_date(fresh_sandbox: Sandbox) -> None:
    """A 429 can give a date, some seconds after the server's own."""
    fresh_sandbox.fault("429", retry_after="date", seconds=3)
    headers = fresh_sandbox.request("GET", PATH).headers
    wait = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
    assert wait.total_seconds() == 3


def test_fault_applies_to_selected_requests(fresh_sandbox: Sandbox) -> None:
    """A fault spares the first requests, applies to every n-th, and only on paths that match."""
    fresh_sandbox.fault("500", path="^/api/campaigns$", after=1, every=2, times=2)
    statuses = [fresh_sandbox.request("GET", PATH).status_code for _ in range(6)]
    assert statuses == [200, 500, 200, 500, 200, 200]
    fresh_sandbox.fault("500", path="^/api/flows$")
    assert fresh_sandbox.request("GET", PATH).status_code == 200
    assert fresh_sandbox.request("GET", "/api/flows").status_code == 500


def test_missing_scope_names_it(fresh_sandbox: Sandbox) -> None:
    """A 403 names the endpoint's scope."""
    fresh_sandbox.fault("403scope", path="flows")
    response = fresh_sandbox.request("GET", "/api/flows")
    assert response.status_code == 403
    assert "flows:read" in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("name", "status"), [("html403", 403), ("html200", 200)])
def test_html_page(fresh_sandbox: Sandbox, name: str, status: int) -> None:
    """A response can be an HTML page instead of JSON."""
    fresh_sandbox.fault(name)
    response = fresh_sandbox.request("GET", PATH)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!DOCTYPE html>")


def test_empty_body_and_errors_with_status_200(fresh_sandbox: Sandbox) -> None:
    """A 200 can be empty, or hold errors."""
    fresh_sandbox.fault("empty", times=1)
    assert fresh_sandbox.request("GET", PATH).content == b""
    fresh_sandbox.fault("errors200", times=1)
    response = fresh_sandbox.request("GET", PATH)
    assert response.status_code == 200
    assert set(response.json()) == {"errors"}


@pytest.mark.parametrize(("name", "status"), [("404", 404), ("filter400", 400)])
def test_refused_requests(fresh_sandbox: Sandbox, name: str, status: int) -> None:
    """A resource can be missing, or a filter refused, in Klaviyo's error shape."""
    fresh_sandbox.fault(name, times=1)
    response = fresh_sandbox.request("GET", PATH)
    assert response.status_code == status
    assert response.json()["errors"][0]["status"] == status


@pytest.mark.parametrize(("name", "body"), [("list200", []), ("object200", {})])
def test_json_without_a_document(fresh_sandbox: Sandbox, name: str, body: object) -> None:
    """A 200 can hold JSON that is not a document."""
    fresh_sandbox.fault(name, times=1)
    assert fresh_sandbox.request("GET", PATH).json() == body


def test_wrong_clock(fresh_sandbox: Sandbox) -> None:
    """The Date header can be wrong by some seconds, either way, and nothing else is."""
    true = parsedate_to_datetime(fresh_sandbox.request("GET", PATH).headers["date"])
    for shift in (90, -90):
        fresh_sandbox.fault("clock", seconds=shift, times=1)
        response = fresh_sandbox.request("GET", PATH)
        shown = parsedate_to_datetime(response.headers["date"])
        assert (shown - true).total_seconds() == shift
        assert response.json()["data"]


def test_cursor_refused(fresh_sandbox: Sandbox) -> None:
    """Only a request that carries a cursor gets the error about an invalid one."""
    page = fresh_sandbox.get(PATH)
    fresh_sandbox.fault("cursor400", times=1)
    assert fresh_sandbox.request("GET", PATH).status_code == 200
    response = fresh_sandbox.request("GET", page["links"]["next"])
    assert response.json()["errors"][0]["detail"] == "Invalid cursor provided."
    assert fresh_sandbox.request("GET", page["links"]["next"]).status_code == 200


def test_redirect(fresh_sandbox: Sandbox) -> None:
    """A redirect leads to the given location."""
    fresh_sandbox.fault("redirect", location="http://127.0.0.2:9/elsewhere")
    response = fresh_sandbox.request("GET", PATH)
    assert (response.status_code, response.headers["location"]) == (
        302,
        "http://127.0.0.2:9/elsewhere",
    )


def test_bomb(fresh_sandbox: Sandbox) -> None:
    """A small gzip unpacks to the given number of megabytes."""
    fresh_sandbox.fault("bomb", megabytes=20)
    response = fresh_sandbox.request("GET", PATH, stream=True)
    packed = response.raw.read(decode_content=False)
    assert len(packed) < 1 << 16
    assert len(zlib.decompress(packed, wbits=31)) == (20 << 20) + 2


def test_loop_and_duplicate_page(fresh_sandbox: Sandbox) -> None:
    """A loop leads to the same page always, a duplicate page once."""
    fresh_sandbox.fault("loop")
    page = fresh_sandbox.get(PATH)
    assert [page := fresh_sandbox.get(page["links"]["next"]) for _ in range(3)] == [page] * 3
    fresh_sandbox.clear_faults()
    whole = [record["id"] for record in fresh_sandbox.all(PATH)]
    fresh_sandbox.fault("duplicate_page", after=1)
    assert [record["id"] for record in fresh_sandbox.all(PATH)] == whole[:6] + whole[3:]


def test_empty_page_loses_nothing(fresh_sandbox: Sandbox) -> None:
    """An empty page leads to the items that it should have shown."""
    whole = [record["id"] for record in fresh_sandbox.all(PATH)]
    fresh_sandbox.fault("empty_page", after=1)
    pages = list(fresh_sandbox.pages(PATH))
    assert [] in [page["data"] for page in pages]
    assert [record["id"] for page in pages for record in page["data"]] == whole


def test_missing_parts(fresh_sandbox: Sandbox) -> None:
    """A page can lack links, or data."""
    fresh_sandbox.fault("no_links", times=1)
    assert set(fresh_sandbox.get(PATH)) == {"data"}
    fresh_sandbox.fault("no_data", times=1)
    assert set(fresh_sandbox.get(PATH)) == {"links"}


def test_unsorted_page(fresh_sandbox: Sandbox) -> None:
    """A page can hold the right items in the wrong order."""
    ids = [record["id"] for record in fresh_sandbox.get(PATH)["data"]]
    fresh_sandbox.fault("unsorted")
    assert [record["id"] for record in fresh_sandbox.get(PATH)["data"]] == [*ids[1:], ids[0]]


def test_foreign_next(fresh_sandbox: Sandbox) -> None:
    """The link to the next page can name another host, with the right cursor."""
    true = fresh_sandbox.get(PATH)["links"]["next"]
    fresh_sandbox.fault("foreign_next", host="http://127.0.0.2:9")
    found = fresh_sandbox.get(PATH)["links"]["next"]
    assert found == true.replace(fresh_sandbox.url, "http://127.0.0.2:9")


@pytest.mark.parametrize("framing", ["length", "chunked", "close", "gzip"])
def test_truncated(fresh_sandbox: Sandbox, framing: str) -> None:
    """Half of the body is sent, in each framing of HTTP, and the connection closes."""
    whole = read_raw(fresh_sandbox).partition(b"\r\n\r\n")[2]
    fresh_sandbox.fault("truncated", framing=framing)
    head, _, half = read_raw(fresh_sandbox).partition(b"\r\n\r\n")
    names = {line.partition(b":")[0] for line in head.split(b"\r\n")}
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert (b"content-length" in names) == (framing == "length")
    assert (b"transfer-encoding" in names) == (framing == "chunked")
    assert 0 < len(half) < len(whole)
    if framing in {"length", "chunked"}:
        with pytest.raises(requests.exceptions.RequestException):
            fresh_sandbox.request("GET", PATH)
    assert not half.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("head", [True, False])
def test_slow(fresh_sandbox: Sandbox, *, head: bool) -> None:
    """A slow response is complete in the end."""
    whole = read_raw(fresh_sandbox, "/api/tag-groups").partition(b"\r\n\r\n")[2]
    fresh_sandbox.fault("slow", pause=0.01, bytes=400, head=head)
    assert read_raw(fresh_sandbox, "/api/tag-groups").partition(b"\r\n\r\n")[2] == whole


def test_stall_and_connection_reset(fresh_sandbox: Sandbox) -> None:
    """The server can send nothing, or reset the connection; it still serves other requests."""
    fresh_sandbox.fault("stall", times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        fresh_sandbox.request("GET", PATH, timeout=0.5)
    fresh_sandbox.fault("reset", times=1)
    address = urlsplit(fresh_sandbox.url).netloc
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", PATH, headers=fresh_sandbox.headers)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    assert fresh_sandbox.request("GET", PATH).status_code == 200


def test_stalled_server_can_be_stopped() -> None:
    """A server with a stalled connection still stops."""
    with run_sandbox(campaigns=20, profiles=50, fault="stall") as stalled:
        with pytest.raises(requests.exceptions.ReadTimeout):
            stalled.request("GET", PATH, timeout=0.2)
        stalled.process.terminate()
        assert stalled.process.wait(timeout=30) is not None


def test_log_shows_the_sent_status(fresh_sandbox: Sandbox) -> None:
    """The request log shows the status that a fault sent, and the number of records."""
    fresh_sandbox.reset_requests()
    fresh_sandbox.fault("503", times=1)
    fresh_sandbox.request("GET", PATH)
    assert fresh_sandbox.admin()["requests"] == {"GET /api/campaigns": {"503": 1}}
    fresh_sandbox.request("GET", PATH)
    assert [entry["records"] for entry in fresh_sandbox.log()] == [0, 3]


def test_wrong_settings_are_refused(fresh_sandbox: Sandbox) -> None:
    """An unknown fault, or a path that is not a regular expression, is refused in one line."""
    for settings in ({"name": "flood"}, {"name": "500", "path": "("}, {}):
        response = fresh_sandbox.session.post(f"{fresh_sandbox.url}/admin/fault", json=settings)
        assert response.status_code == 400
        assert "\n" not in response.json()["error"]


def test_poison(fresh_sandbox: Sandbox) -> None:
    """Every page that would hold the record fails, and no other does."""
    first, second = (record["id"] for record in fresh_sandbox.get(PATH)["data"][:2])
    fresh_sandbox.fault("poison", ids=[second])
    sizes = {
        size: fresh_sandbox.request("GET", f"/api/campaigns?page[size]={size}")
        for size in (1, 2, 3)
    }
    assert {size: response.status_code for size, response in sizes.items()} == {
        1: 200,
        2: 500,
        3: 500,
    }
    assert [record["id"] for record in sizes[1].json()["data"]] == [first]


def test_every_alteration_leaves_a_document_of_any_kind(
    fresh_sandbox: Sandbox, metric_ids: dict[str, str]
) -> None:
    """A listing, a record, a report or an aggregate is altered or left as it is; none is a 500."""
    record = fresh_sandbox.all("/api/campaigns")[0]["id"]
    offenders = []
    for name in ALTERATIONS:
        fresh_sandbox.clear_faults()
        fresh_sandbox.fault(name, always=True, times=100)
        answers = [
            fresh_sandbox.request("GET", path) for path in (PATH, f"/api/campaigns/{record}")
        ]
        for endpoint in REPORT_ENDPOINTS:
            body = build_body(endpoint.resource_type, report_attributes(endpoint, metric_ids))
            answers.append(fresh_sandbox.request("POST", endpoint.path, json=body))
        offenders += [(name, answer.url) for answer in answers if answer.status_code != 200]
    assert offenders == []


def test_an_aggregate_can_have_two_groups_of_one_key(
    fresh_sandbox: Sandbox, metric_ids: dict[str, str]
) -> None:
    """The second has the half of each count; no names separate the two."""
    (endpoint,) = [each for each in REPORT_ENDPOINTS if each.path == "/api/metric-aggregates"]
    attributes = report_attributes(endpoint, metric_ids)
    whole = fresh_sandbox.report("metric-aggregate", **attributes)["data"]["attributes"]["data"]
    fresh_sandbox.fault("shared_key", always=True)
    both = fresh_sandbox.report("metric-aggregate", **attributes)["data"]["attributes"]["data"]
    assert [group["dimensions"] for group in both[:2]] == [whole[0]["dimensions"]] * 2
    assert both[0] == whole[0]
    assert both[1]["measurements"] != whole[0]["measurements"]
    assert both[2:] == whole[1:]


def test_fault_applies_to_selected_queries(fresh_sandbox: Sandbox) -> None:
    """A fault applies only to requests whose query matches, for instance large pages."""
    fresh_sandbox.fault("503", query=r"size%5D=\d\d")
    responses = [
        fresh_sandbox.request("GET", "/api/campaigns", params={"page[size]": size}).status_code
        for size in (9, 10)
    ]
    assert responses == [200, 503]


def test_every_fault_can_be_cleared(fresh_sandbox: Sandbox) -> None:
    """A fault is active while it is set, and has no effect once it is cleared."""
    for name in NAMES:
        fresh_sandbox.fault(name)
        assert [fault["name"] for fault in fresh_sandbox.admin()["faults"]] == [name]
        fresh_sandbox.clear_faults()
        assert fresh_sandbox.request("GET", PATH).status_code == 200, name
