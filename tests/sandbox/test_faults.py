"""Each fault of the sandbox is seen by a client on the socket, and ends when it should."""

from __future__ import annotations

import http.client
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from klaviyo_sandbox.http.faults import CHANGES, NAMES, REPLIES
from tests.sandbox_server import KEY, REVISION, Sandbox, running_sandbox

PATH = "/api/campaigns?page[size]=3"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A small account of this module's own."""
    with running_sandbox(campaigns=40, profiles=50, no_limits=True) as server:
        yield server


@pytest.fixture
def faulty(server: Sandbox) -> Iterator[Sandbox]:
    """The account without faults, before and after."""
    server.clear_faults()
    yield server
    server.clear_faults()


def raw(sandbox: Sandbox, path: str = PATH) -> bytes:
    """All bytes that come back for a request, until the server closes the connection."""
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


@pytest.mark.parametrize("status", ["429", "500", "502", "503", "504", "524", "401"])
def test_failing_status(faulty: Sandbox, status: str) -> None:
    """A status fault answers with that status, so often, and then no more."""
    faulty.fault(status, times=2)
    answers = [faulty.ask("GET", PATH).status_code for _ in range(3)]
    assert answers == [int(status), int(status), 200]


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [(7, "7"), ("0", "0"), ("junk", "junk"), ("-5", "-5"), ("none", None)],
)
def test_retry_after(faulty: Sandbox, retry_after: object, header: str | None) -> None:
    """A 429 says what it was told to say about when to come back."""
    faulty.fault("429", retry_after=retry_after)
    assert faulty.ask("GET", PATH).headers.get("retry-after") == header


def test_retry_after_as_a_date(faulty: Sandbox) -> None:
    """A 429 can give a date, seconds after the server's own."""
    faulty.fault("429", retry_after="date", seconds=3)
    headers = faulty.ask("GET", PATH).headers
    wait = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
    assert wait.total_seconds() == 3


def test_which_requests_are_struck(faulty: Sandbox) -> None:
    """A fault spares the first ones, strikes every so manyth, and only where its path matches."""
    faulty.fault("500", path="^/api/campaigns$", after=1, every=2, times=2)
    statuses = [faulty.ask("GET", PATH).status_code for _ in range(6)]
    assert statuses == [200, 500, 200, 500, 200, 200]
    faulty.fault("500", path="^/api/flows$")
    assert faulty.ask("GET", PATH).status_code == 200
    assert faulty.ask("GET", "/api/flows").status_code == 500


def test_missing_scope_names_it(faulty: Sandbox) -> None:
    """The scope that a 403 names is the endpoint's."""
    faulty.fault("403scope", path="flows")
    answer = faulty.ask("GET", "/api/flows")
    assert answer.status_code == 403
    assert "flows:read" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("name", "status"), [("html403", 403), ("html200", 200)])
def test_html(faulty: Sandbox, name: str, status: int) -> None:
    """A page of HTML comes where JSON is expected."""
    faulty.fault(name)
    answer = faulty.ask("GET", PATH)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_empty_and_misreported(faulty: Sandbox) -> None:
    """A 200 can be empty, or hold errors."""
    faulty.fault("empty", times=1)
    assert faulty.ask("GET", PATH).content == b""
    faulty.fault("errors200", times=1)
    answer = faulty.ask("GET", PATH)
    assert answer.status_code == 200
    assert set(answer.json()) == {"errors"}


@pytest.mark.parametrize(("name", "status"), [("404", 404), ("filter400", 400)])
def test_refused_questions(faulty: Sandbox, name: str, status: int) -> None:
    """What is asked for can be gone, or the filter refused, in Klaviyo's own shape."""
    faulty.fault(name, times=1)
    answer = faulty.ask("GET", PATH)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["status"] == status


@pytest.mark.parametrize(("name", "body"), [("list200", []), ("object200", {})])
def test_odd_documents(faulty: Sandbox, name: str, body: object) -> None:
    """A 200 can hold JSON that is no document."""
    faulty.fault(name, times=1)
    assert faulty.ask("GET", PATH).json() == body


def test_wrong_clock(faulty: Sandbox) -> None:
    """The Date header can be off by some seconds, either way; all else is true."""
    true = parsedate_to_datetime(faulty.ask("GET", PATH).headers["date"])
    for shift in (90, -90):
        faulty.fault("clock", seconds=shift, times=1)
        answer = faulty.ask("GET", PATH)
        told = parsedate_to_datetime(answer.headers["date"])
        assert (told - true).total_seconds() == shift
        assert answer.json()["data"]


def test_cursor_refused(faulty: Sandbox) -> None:
    """Only a request that carries a cursor is told that it is invalid."""
    page = faulty.get(PATH)
    faulty.fault("cursor400", times=1)
    assert faulty.ask("GET", PATH).status_code == 200
    answer = faulty.ask("GET", page["links"]["next"])
    assert answer.json()["errors"][0]["detail"] == "Invalid cursor provided."
    assert faulty.ask("GET", page["links"]["next"]).status_code == 200


def test_redirect(faulty: Sandbox) -> None:
    """A redirect leads to the place it was told."""
    faulty.fault("redirect", location="http://127.0.0.2:9/elsewhere")
    answer = faulty.ask("GET", PATH)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.2:9/elsewhere")


def test_bomb(faulty: Sandbox) -> None:
    """A small gzip unpacks to as many megabytes as asked for."""
    faulty.fault("bomb", megabytes=20)
    answer = faulty.ask("GET", PATH, stream=True)
    packed = answer.raw.read(decode_content=False)
    assert len(packed) < 1 << 16
    assert len(zlib.decompress(packed, wbits=31)) == (20 << 20) + 2


def test_loop_and_duplicates(faulty: Sandbox) -> None:
    """A loop leads to the same page again and again, a duplicate once."""
    faulty.fault("loop")
    page = faulty.get(PATH)
    assert [page := faulty.get(page["links"]["next"]) for _ in range(3)] == [page] * 3
    faulty.clear_faults()
    whole = [each["id"] for each in faulty.all(PATH)]
    faulty.fault("duplicate_page", after=1)
    assert [each["id"] for each in faulty.all(PATH)] == whole[:6] + whole[3:]


def test_empty_page_loses_nothing(faulty: Sandbox) -> None:
    """An empty page in the middle leads to what it should have shown."""
    whole = [each["id"] for each in faulty.all(PATH)]
    faulty.fault("empty_page", after=1)
    pages = list(faulty.pages(PATH))
    assert [] in [page["data"] for page in pages]
    assert [each["id"] for page in pages for each in page["data"]] == whole


def test_missing_parts(faulty: Sandbox) -> None:
    """A page can come without links, or without data."""
    faulty.fault("no_links", times=1)
    assert set(faulty.get(PATH)) == {"data"}
    faulty.fault("no_data", times=1)
    assert set(faulty.get(PATH)) == {"links"}


def test_unsorted_page(faulty: Sandbox) -> None:
    """A page can hold the right items in the wrong order."""
    ids = [each["id"] for each in faulty.get(PATH)["data"]]
    faulty.fault("unsorted")
    assert [each["id"] for each in faulty.get(PATH)["data"]] == [*ids[1:], ids[0]]


def test_foreign_next(faulty: Sandbox) -> None:
    """The next page can be said to be on another host, with the cursor it needs."""
    true = faulty.get(PATH)["links"]["next"]
    faulty.fault("foreign_next", host="http://127.0.0.2:9")
    found = faulty.get(PATH)["links"]["next"]
    assert found == true.replace(faulty.url, "http://127.0.0.2:9")


@pytest.mark.parametrize("framing", ["length", "chunked", "close", "gzip"])
def test_truncated(faulty: Sandbox, framing: str) -> None:
    """Half of the body comes, in each way that HTTP can frame it, and the connection closes."""
    whole = raw(faulty).partition(b"\r\n\r\n")[2]
    faulty.fault("truncated", framing=framing)
    head, _, half = raw(faulty).partition(b"\r\n\r\n")
    names = {line.partition(b":")[0] for line in head.split(b"\r\n")}
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert (b"content-length" in names) == (framing == "length")
    assert (b"transfer-encoding" in names) == (framing == "chunked")
    assert 0 < len(half) < len(whole)
    if framing in {"length", "chunked"}:
        with pytest.raises(requests.exceptions.RequestException):
            faulty.ask("GET", PATH)
    assert not half.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("head", [True, False])
def test_slow(faulty: Sandbox, *, head: bool) -> None:
    """The answer drips, whole in the end."""
    whole = raw(faulty, "/api/tag-groups").partition(b"\r\n\r\n")[2]
    faulty.fault("slow", pause=0.01, bytes=400, head=head)
    assert raw(faulty, "/api/tag-groups").partition(b"\r\n\r\n")[2] == whole


def test_silence_and_reset(faulty: Sandbox) -> None:
    """The server can say nothing at all, or reset the connection; it serves on for others."""
    faulty.fault("stall", times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        faulty.ask("GET", PATH, timeout=0.5)
    faulty.fault("reset", times=1)
    address = urlsplit(faulty.url).netloc
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", PATH, headers=faulty.headers)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    assert faulty.ask("GET", PATH).status_code == 200


def test_silence_does_not_keep_the_server_alive() -> None:
    """A server that says nothing on one connection can still be stopped."""
    with running_sandbox(campaigns=20, profiles=50, fault="stall") as silent:
        with pytest.raises(requests.exceptions.ReadTimeout):
            silent.ask("GET", PATH, timeout=0.2)
        silent.process.terminate()
        assert silent.process.wait(timeout=30) is not None


def test_struck_requests_are_logged(faulty: Sandbox) -> None:
    """The admin sees what a struck request was answered; 0 stands for nothing."""
    faulty.reset_requests()
    faulty.fault("503", times=1)
    faulty.ask("GET", PATH)
    assert faulty.admin()["requests"] == {"GET /api/campaigns": {"503": 1}}
    faulty.ask("GET", PATH)
    assert [asked["records"] for asked in faulty.log()] == [0, 3]


def test_wrong_settings_are_refused(faulty: Sandbox) -> None:
    """A fault that does not exist, or a path that is no pattern, is refused in one line."""
    for given in ({"name": "flood"}, {"name": "500", "path": "("}, {}):
        answer = faulty.session.post(f"{faulty.url}/admin/fault", json=given)
        assert answer.status_code == 400
        assert "\n" not in answer.json()["error"]


def test_poison(faulty: Sandbox) -> None:
    """Any page that would hold the record fails, and no other does."""
    first, second = (one["id"] for one in faulty.get(PATH)["data"][:2])
    faulty.fault("poison", ids=[second])
    sizes = {size: faulty.ask("GET", f"/api/campaigns?page[size]={size}") for size in (1, 2, 3)}
    assert {size: answer.status_code for size, answer in sizes.items()} == {1: 200, 2: 500, 3: 500}
    assert [one["id"] for one in sizes[1].json()["data"]] == [first]


def test_a_fault_of_some_queries(faulty: Sandbox) -> None:
    """A fault strikes only requests whose query matches: pages too large, for instance."""
    faulty.fault("503", query=r"size%5D=\d\d")
    answers = [
        faulty.ask("GET", "/api/campaigns", params={"page[size]": size}).status_code
        for size in (9, 10)
    ]
    assert answers == [200, 503]


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_goes_away(faulty: Sandbox, name: str) -> None:
    """Once unset, no fault is felt."""
    faulty.fault(name)
    assert (name in REPLIES or name in CHANGES) or faulty.admin()["faults"]
    faulty.clear_faults()
    assert faulty.ask("GET", PATH).status_code == 200
