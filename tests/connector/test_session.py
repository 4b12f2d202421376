"""Retries, rate limits and paging, against a real server."""

import json
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import session
from api import AuthError, ContractError, CursorError, GoneError, ScopeError, TransientError
from session import KlaviyoSession, QuotaSpentError, StoppedError
from tests.fake_clock import FakeClock
from tests.raw_server import serve

KEY = "pk_0123456789abcdef"
PATH = "/api/events"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A clock that only waiting moves."""
    clock = FakeClock()
    monkeypatch.setattr(session, "Clock", lambda: clock)
    return clock


def page(*ids: str, cursor: str | None = None, host: str = "https://a.klaviyo.com") -> Response:
    """A page of a listing and the link to the next."""
    link = cursor and f"{host}{PATH}?page%5Bcursor%5D={cursor}"
    data = [{"type": "event", "id": id_} for id_ in ids]
    return Response(json.dumps({"data": data, "links": {"next": link}}))


def error_response(status: int, detail: str = "", **headers: str) -> Response:
    """An error document with a status."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps({"errors": [{"detail": detail}]}), status, fields)


def respond(server: HTTPServer, responses: Sequence[Response]) -> None:
    """From now on send these responses in turn, and the last one for ever."""
    server.clear()
    left = list(responses)

    def handle(_: Request) -> Response:
        return left.pop(0) if len(left) > 1 else left[0]

    server.expect_request(PATH).respond_with_handler(handle)


def list_ids(session: KlaviyoSession) -> list[str]:
    """The ids of all pages."""
    return [record["id"] for page in session.pages(PATH, {}) for record in page["data"]]


def cursors(server: HTTPServer) -> list[str | None]:
    """The cursor of each request."""
    return [request.args.get("page[cursor]") for request, _ in server.log]


def highest(_: float, most: float) -> float:
    """The longest wait that chance may choose."""
    return most


class TestRetries:
    """Transient faults are retried."""

    def test_a_transient_fault_is_retried(
        self, server: HTTPServer, clock: FakeClock, subtests: pytest.Subtests
    ) -> None:
        """After five failures the sixth attempt still counts, and no page is lost."""
        cases: list[Response] = [
            *map(error_response, [500, 502, 503, 504, 520, 524]),
            Response("<html>Just a moment...", 403),
            Response("<html>", 200),
            Response("", 200),
            Response('{"data": []}'),
            Response('{"data": [], "links": {}}'),
            Response('{"data": [], "links": {"next": "https://a.klaviyo.com/api/events"}}'),
        ]
        for fault in cases:
            with subtests.test(fault=fault.get_data(as_text=True)):
                clock.waits.clear()
                respond(server, [*[fault] * 5, page("a", cursor="2"), fault, page("b")])
                assert list_ids(KlaviyoSession(KEY)) == ["a", "b"]
                assert len(clock.waits) == 6

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (error_response(503), TransientError),
            (Response("<html>"), ContractError),
            (Response('{"data": [], "links": {}}'), ContractError),
        ],
    )
    @pytest.mark.usefixtures("clock")
    def test_a_permanent_fault_ends_after_six_attempts(
        self, server: HTTPServer, fault: Response, error: type[Exception]
    ) -> None:
        """A server that stays down is transient; one that stays broken breaks its contract."""
        respond(server, [fault])
        with pytest.raises(error) as raised:
            list_ids(KlaviyoSession(KEY))
        assert type(raised.value) is error
        assert len(server.log) == 6

    def test_what_a_retry_cannot_help_is_requested_once(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """A rejected key, a missing scope or a wrong request is raised at once."""
        faults = {
            AuthError: error_response(401),
            ScopeError: error_response(403),
            GoneError: error_response(404),
            ContractError: error_response(400, "'bogus' is not a filterable field"),
        }
        for error, fault in faults.items():
            respond(server, [fault])
            with pytest.raises(error):
                KlaviyoSession(KEY).get(PATH)
            assert len(server.log) == 1
        assert clock.waits == []

    def test_backoff_has_full_jitter(self) -> None:
        """Of a hundred waits no two are equal and none is over the bound."""
        fault = TransientError("x")
        waits = [KlaviyoSession(KEY)._compute_backoff(PATH, fault, 3) for _ in range(100)]
        assert len(set(waits)) == 100
        assert 0 <= min(waits) < 4 < max(waits) <= 8

    @pytest.mark.parametrize("status", [503, 429])
    def test_backoff_doubles_up_to_a_minute(
        self,
        server: HTTPServer,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
        status: int,
    ) -> None:
        """Without a Retry-After each wait may be twice the last, up to 60 s."""
        monkeypatch.setattr(random, "uniform", highest)
        respond(server, [*[error_response(status)] * 8, page("a")])
        assert len(list(KlaviyoSession(KEY).pages(PATH, {}, attempts=9))) == 1
        assert clock.waits == [2, 4, 8, 16, 32, 60, 60, 60]


class TestRateLimit:
    """H1 to H3: throttled responses and rate limit headers."""

    def test_retry_after_is_honoured(
        self, server: HTTPServer, clock: FakeClock, subtests: pytest.Subtests
    ) -> None:
        """The retry comes no sooner, and at most a second later."""
        for seconds in ["0", "7", "599", "898"]:
            with subtests.test(seconds=seconds):
                clock.waits.clear()
                respond(server, [error_response(429, Retry_After=seconds), page("a")])
                assert list_ids(KlaviyoSession(KEY)) == ["a"]
                (wait,) = clock.waits
                assert int(seconds) <= wait <= int(seconds) + 1

    def test_a_long_retry_after_is_a_spent_quota(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """Beyond a quarter of an hour the request is left to a later sync."""
        respond(server, [error_response(429, Retry_After="73473")])
        with pytest.raises(QuotaSpentError, match="retry in 1225 minutes") as error:
            KlaviyoSession(KEY).get(PATH)
        assert error.value.retry_after == 73_473
        assert clock.waits == []
        assert len(server.log) == 1

    def test_a_long_outage_is_no_spent_quota(self, server: HTTPServer, clock: FakeClock) -> None:
        """A 503 that asks to wait an hour ends the request: Klaviyo is down, and says how long."""
        respond(server, [error_response(503, Retry_After="3600")])
        with pytest.raises(TransientError, match=r"503.*; retry in 60 minutes or later") as error:
            KlaviyoSession(KEY).get(PATH)
        assert type(error.value) is TransientError
        assert clock.waits == []

    def test_endless_throttling_ends(
        self, server: HTTPServer, clock: FakeClock, subtests: pytest.Subtests
    ) -> None:
        """One request waits a quarter of an hour at most and is sent at most a hundred times."""
        for header in ["0", "30", "abc", "-1", "nan", "inf"]:
            with subtests.test(header=header):
                clock.waits.clear()
                respond(server, [error_response(429, Retry_After=header)])
                with pytest.raises(TransientError):
                    KlaviyoSession(KEY).get(PATH)
                assert sum(clock.waits) <= session.MAX_TOTAL_WAIT
                assert len(server.log) <= 100

    def test_throttling_does_not_use_up_the_attempts(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """Every second response of a listing is a 429, and all of it arrives."""
        slow = error_response(429, Retry_After="1")
        pages = [page(str(n), cursor=str(n)) for n in range(20)]
        respond(server, [answer for other in pages for answer in (slow, other)] + [page("end")])
        assert len(list_ids(KlaviyoSession(KEY))) == 21
        assert len(clock.waits) == 20

    def test_a_429_pauses_every_request_to_its_endpoint(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """What another thread sends next waits for a minute at most, and no other endpoint does."""
        respond(server, [error_response(429, Retry_After="1200"), page("a")])
        server.expect_request("/api/metrics").respond_with_response(page("m"))
        client = KlaviyoSession(KEY)
        with pytest.raises(QuotaSpentError):
            client.get(PATH)
        client.get("/api/metrics")
        assert clock.waits == []
        client.get(PATH)
        assert clock.waits == [60]

    def test_a_spent_minute_is_waited_out(self, server: HTTPServer, clock: FakeClock) -> None:
        """When no request of the minute remains, that endpoint waits for the next minute."""
        empty = Response(
            page("a").data, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "42"}
        )
        respond(server, [empty, page("b")])
        server.expect_request("/api/metrics").respond_with_response(page("m"))
        client = KlaviyoSession(KEY)
        client.get(PATH)
        client.get("/api/metrics")
        assert clock.waits == []
        client.get(PATH)
        assert clock.waits == [42]

    def test_a_stop_ends_every_wait(self, server: HTTPServer) -> None:
        """Ctrl-C ends threads that wait for Klaviyo, and their later requests."""
        respond(server, [error_response(429, Retry_After="500")])
        client = KlaviyoSession(KEY)
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(client.get, PATH) for _ in range(3)]
            while len(server.log) < 1:
                time.sleep(0.01)
            client.stop()
            assert {type(future.exception()) for future in waiting} == {StoppedError}
        with pytest.raises(StoppedError):
            client.get(PATH)

    def test_requests_and_waits_are_counted(self, server: HTTPServer, clock: FakeClock) -> None:
        """The summary of a sync shows requests, throttled responses and seconds waited."""
        respond(server, [error_response(429, Retry_After="5"), error_response(503), page("a")])
        client = KlaviyoSession(KEY)
        list_ids(client)
        assert (client.requests, client.throttled) == (3, 1)
        assert client.waited == pytest.approx(sum(clock.waits))


class TestPages:
    """Paging."""

    def test_pages_are_read_to_the_last(self, server: HTTPServer) -> None:
        """Each page's cursor requests the next; an empty page with a link is not the end."""
        respond(server, [page("a", cursor="2"), page(cursor="3"), page("b", cursor="4"), page("c")])
        assert list_ids(KlaviyoSession(KEY)) == ["a", "b", "c"]
        assert cursors(server) == [None, "2", "3", "4"]

    def test_a_repeated_page_is_accepted(self, server: HTTPServer) -> None:
        """One page sent twice does not fail the sync."""
        respond(server, [page("a", cursor="2"), page("b", cursor="2"), page("b")])
        assert list_ids(KlaviyoSession(KEY)) == ["a", "b", "b"]

    @pytest.mark.parametrize("length", [1, 2, 5])
    def test_paging_in_a_circle_ends(self, server: HTTPServer, length: int) -> None:
        """The third time the same cursor arrives, the paging is broken."""
        circle = [page("a", cursor=str(n)) for n in range(length)]
        respond(server, circle * 4)
        with pytest.raises(ContractError, match="circle"):
            list_ids(KlaviyoSession(KEY))
        assert len(server.log) == 2 * length + 1

    def test_an_expired_cursor_starts_the_listing_again(self, server: HTTPServer) -> None:
        """The whole listing arrives after all, from its first page."""
        lost = error_response(400, "Invalid cursor provided.")
        respond(server, [page("a", cursor="2"), lost, page("a", cursor="3"), page("b")])
        assert list_ids(KlaviyoSession(KEY)) == ["a", "a", "b"]
        assert cursors(server) == [None, "2", None, "3"]

    def test_a_cursor_that_expires_three_times_ends_the_listing(self, server: HTTPServer) -> None:
        """After three attempts the listing fails with its cause."""
        lost = error_response(410, "The cursor has expired")
        respond(server, [page("a", cursor="2"), lost] * 4)
        with pytest.raises(CursorError):
            list_ids(KlaviyoSession(KEY))
        assert len(server.log) == 6

    def test_the_host_of_a_link_gets_no_request(
        self, server: HTTPServer, subtests: pytest.Subtests
    ) -> None:
        """Only the cursor is taken from a link, so the key goes nowhere else."""
        for link in ["{url}", "{url}/../", "//{host}", "http://user:pw@{host}"]:
            with subtests.test(link=link):
                with serve(b"") as other:
                    host = link.format(url=other.url, host=other.url.removeprefix("http://"))
                    respond(server, [page("a", cursor="2", host=host), page("b")])
                    assert list_ids(KlaviyoSession(KEY)) == ["a", "b"]
                    assert other.connections == 0
                assert cursors(server) == [None, "2"]


class TestReports:
    """Where each kind of report takes its cursor."""

    @staticmethod
    def report_page(cursor: str | None) -> Response:
        """A page of a report."""
        link = cursor and f"https://a.klaviyo.com{PATH}?page_cursor={cursor}"
        empty: dict[str, Any] = {"results": [], "dates": [], "data": []}  # of either kind
        document = {"data": {"attributes": empty}, "links": {"next": link}}
        return Response(json.dumps(document))

    @pytest.mark.parametrize(
        ("request_pages", "read_cursor"),
        [
            (KlaviyoSession.report, lambda request: request.args.get("page_cursor")),
            (KlaviyoSession.aggregate, lambda request: attributes_of(request).get("page_cursor")),
        ],
        ids=["report", "aggregate"],
    )
    def test_a_cursor_goes_where_klaviyo_reads_it(
        self,
        server: HTTPServer,
        request_pages: Callable[..., Any],
        read_cursor: Callable[[Request], str | None],
    ) -> None:
        """In the address for reports, in the body for metric aggregates; the rest is the same."""
        respond(server, [self.report_page("2"), self.report_page(None)])
        body = {"type": "x", "attributes": {"statistics": ["opens"]}}
        assert len(list(request_pages(KlaviyoSession(KEY), PATH, body))) == 2
        assert [read_cursor(request) for request, _ in server.log] == [None, "2"]
        assert all(attributes_of(request)["statistics"] == ["opens"] for request, _ in server.log)


def attributes_of(request: Request) -> Any:
    """The attributes in a request's body."""
    return json.loads(request.get_data())["data"]["attributes"]


def test_no_log_line_holds_the_key(server: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    """The log of waits and retries shows no key."""
    caplog.set_level("DEBUG", logger="klaviyo")
    session.log.addHandler(caplog.handler)
    try:
        respond(server, [error_response(429, f"no: {KEY}", Retry_After="0"), page("a")])
        client = KlaviyoSession(KEY)
        list_ids(client)
    finally:
        session.log.removeHandler(caplog.handler)
    assert caplog.text
    assert KEY not in f"{caplog.text} {client!r}"
