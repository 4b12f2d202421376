"""Asking again, with patience and within bounds, of a real server."""

import json
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asking
import pytest
from api import AuthError, ContractError, CursorError, GoneError, ScopeError, TransientError
from asking import Asking, QuotaSpentError, StoppedError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fake_clock import FakeClock
from tests.raw_server import serve

KEY = "pk_0123456789abcdef"
PATH = "/api/events"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A clock that only waiting moves."""
    clock = FakeClock()
    monkeypatch.setattr(asking, "Clock", lambda: clock)
    return clock


def page(*ids: str, cursor: str | None = None, host: str = "https://a.klaviyo.com") -> Response:
    """A page of a listing and the link to the next."""
    link = cursor and f"{host}{PATH}?page%5Bcursor%5D={cursor}"
    data = [{"type": "event", "id": one} for one in ids]
    return Response(json.dumps({"data": data, "links": {"next": link}}))


def last_of_the_minute() -> Response:
    """A page that says that no other may be asked for within 42 seconds."""
    empty = page("a")
    empty.headers.update({"RateLimit-Remaining": "0", "RateLimit-Reset": "42"})
    return empty


def refusal(status: int, detail: str = "", **headers: str) -> Response:
    """An error document."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps({"errors": [{"detail": detail}]}), status, given)


def answer(server: HTTPServer, answers: Sequence[Response]) -> None:
    """Give these answers in turn, and the last one for ever."""
    left = list(answers)

    def handle(_: Request) -> Response:
        return left.pop(0) if len(left) > 1 else left[0]

    server.expect_request(PATH).respond_with_handler(handle)


def listed(asking: Asking) -> list[str]:
    """The ids of all pages."""
    return [one["id"] for page in asking.pages(PATH, {}) for one in page["data"]]


def cursors(server: HTTPServer) -> list[str | None]:
    """The cursor of each request."""
    return [request.args.get("page[cursor]") for request, _ in server.log]


def highest(_: float, most: float) -> float:
    """The longest of the waits that chance may choose."""
    return most


class TestRetries:
    """T1, H4, H5: what may pass is asked for again."""

    @pytest.mark.parametrize(
        "fault",
        [
            *map(refusal, [500, 502, 503, 504, 520, 524]),
            Response("<html>Just a moment...", 403),
            Response("<html>", 200),
            Response("", 200),
            Response('{"data": []}'),
            Response('{"data": [], "links": {}}'),
            Response('{"data": [], "links": {"next": "https://a.klaviyo.com/api/events"}}'),
        ],
        ids=lambda fault: f"{fault.status_code} {fault.get_data(as_text=True)}",
    )
    def test_a_passing_fault_passes(
        self, server: HTTPServer, clock: FakeClock, fault: Response
    ) -> None:
        """After five failures the sixth attempt still counts, and nothing is lost."""
        answer(server, [*[fault] * 5, page("a", cursor="2"), fault, page("b")])
        assert listed(Asking(KEY)) == ["a", "b"]
        assert len(clock.waits) == 6

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (refusal(503), TransientError),
            (Response("<html>"), ContractError),
            (Response('{"data": [], "links": {}}'), ContractError),
        ],
    )
    @pytest.mark.usefixtures("clock")
    def test_a_lasting_fault_ends_after_six_attempts(
        self, server: HTTPServer, fault: Response, error: type[Exception]
    ) -> None:
        """A server that stays down may recover; one that stays wrong has broken its contract."""
        answer(server, [fault])
        with pytest.raises(error) as raised:
            listed(Asking(KEY))
        assert type(raised.value) is error
        assert len(server.log) == 6

    def test_what_waiting_cannot_mend_is_asked_once(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """H6: waiting does not mend a rejected key, a missing scope or a wrong question."""
        faults = {
            AuthError: refusal(401),
            ScopeError: refusal(403),
            GoneError: refusal(404),
            ContractError: refusal(400, "'bogus' is not a filterable field"),
        }
        for count, (error, fault) in enumerate(faults.items(), 1):
            answer(server, [fault])
            with pytest.raises(error):
                Asking(KEY).get(PATH)
            assert len(server.log) == count
            server.clear_all_handlers()
        assert clock.waits == []

    def test_waits_are_spread(self) -> None:
        """H4: full jitter: of a hundred waits no two are equal and none is over the bound."""
        fault = TransientError("x")
        waits = [Asking(KEY)._wait(PATH, fault, 3) for _ in range(100)]
        assert len(set(waits)) == 100
        assert 0 <= min(waits) < 4 < max(waits) <= 8

    @pytest.mark.parametrize("status", [503, 429])
    def test_waits_grow_up_to_a_minute(
        self,
        server: HTTPServer,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
        status: int,
    ) -> None:
        """H1, H4: without Klaviyo's word on it each wait may be twice the last, up to 60 s."""
        monkeypatch.setattr(random, "uniform", highest)
        answer(server, [*[refusal(status)] * 8, page("a")])
        assert len(list(Asking(KEY).pages(PATH, {}, attempts=9))) == 1
        assert clock.waits == [2, 4, 8, 16, 32, 60, 60, 60]


class TestRateLimit:
    """H1 to H3: Klaviyo's word on when to ask again."""

    @pytest.mark.parametrize("seconds", ["0", "7", "599", "898"])
    def test_retry_after_is_honoured(
        self, server: HTTPServer, clock: FakeClock, seconds: str
    ) -> None:
        """Never sooner than asked, and at most a second later."""
        answer(server, [refusal(429, Retry_After=seconds), page("a")])
        assert listed(Asking(KEY)) == ["a"]
        (wait,) = clock.waits
        assert int(seconds) <= wait <= int(seconds) + 1

    def test_a_long_wait_is_a_spent_quota(self, server: HTTPServer, clock: FakeClock) -> None:
        """More than a quarter of an hour is not waited for: the next sync asks again."""
        answer(server, [refusal(429, Retry_After="73473")])
        with pytest.raises(QuotaSpentError, match="retry in 1225 minutes") as error:
            Asking(KEY).get(PATH)
        assert error.value.retry_after == 73_473
        assert clock.waits == []
        assert len(server.log) == 1

    @pytest.mark.parametrize("header", ["0", "30", "abc", "-1", "nan", "inf"])
    def test_being_throttled_for_ever_ends(
        self, server: HTTPServer, clock: FakeClock, header: str
    ) -> None:
        """One question waits a quarter of an hour at most, and is not asked a thousand times."""
        answer(server, [refusal(429, Retry_After=header)])
        with pytest.raises(TransientError):
            Asking(KEY).get(PATH)
        assert sum(clock.waits) <= asking.PATIENCE
        assert len(server.log) <= 100

    def test_being_throttled_does_not_use_up_the_attempts(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """H2: every second answer a 429, for a whole listing: all of it arrives."""
        slow = refusal(429, Retry_After="1")
        pages = [page(str(n), cursor=str(n)) for n in range(20)]
        answer(server, [one for two in pages for one in (slow, two)] + [page("end")])
        assert len(listed(Asking(KEY))) == 21
        assert len(clock.waits) == 20

    def test_an_empty_minute_is_waited_out(self, server: HTTPServer, clock: FakeClock) -> None:
        """When none of the minute is left, that endpoint is not asked before the next one."""
        empty = Response(
            page("a").data, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "42"}
        )
        answer(server, [empty, page("b")])
        server.expect_request("/api/metrics").respond_with_response(page("m"))
        client = Asking(KEY)
        client.get(PATH)
        client.get("/api/metrics")
        assert clock.waits == []
        client.get(PATH)
        assert clock.waits == [42]

    def test_a_stop_ends_every_wait(self, server: HTTPServer) -> None:
        """Ctrl-C is not kept waiting by threads that wait for Klaviyo, nor by what they ask."""
        answer(server, [refusal(429, Retry_After="500")])
        client = Asking(KEY)
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(client.get, PATH) for _ in range(3)]
            while len(server.log) < 1:
                time.sleep(0.01)
            client.stop()
            assert {type(one.exception()) for one in waiting} == {StoppedError}
        with pytest.raises(StoppedError):
            client.get(PATH)

    def test_what_was_asked_and_waited_is_counted(
        self, server: HTTPServer, clock: FakeClock
    ) -> None:
        """The closing summary tells requests, throttled answers and seconds waited."""
        answer(server, [refusal(429, Retry_After="5"), refusal(503), page("a")])
        client = Asking(KEY)
        listed(client)
        assert (client.requests, client.throttled) == (3, 1)
        assert client.waited == pytest.approx(sum(clock.waits))


class TestPages:
    """D1, D2, H8: turning pages."""

    def test_pages_are_turned_to_the_last(self, server: HTTPServer) -> None:
        """Each page's cursor asks for the next; an empty page with a link is not the end."""
        answer(server, [page("a", cursor="2"), page(cursor="3"), page("b", cursor="4"), page("c")])
        assert listed(Asking(KEY)) == ["a", "b", "c"]
        assert cursors(server) == [None, "2", "3", "4"]

    def test_a_page_shown_twice_is_a_hiccup(self, server: HTTPServer) -> None:
        """One repeated page does not fail the sync."""
        answer(server, [page("a", cursor="2"), page("b", cursor="2"), page("b")])
        assert listed(Asking(KEY)) == ["a", "b", "b"]

    @pytest.mark.parametrize("length", [1, 2, 5])
    def test_paging_in_a_circle_ends(self, server: HTTPServer, length: int) -> None:
        """D2: the third time the same cursor comes, Klaviyo's paging is broken."""
        circle = [page("a", cursor=str(n)) for n in range(length)]
        answer(server, circle * 4)
        with pytest.raises(ContractError, match="circle"):
            listed(Asking(KEY))
        assert len(server.log) == 2 * length + 1

    def test_a_forgotten_cursor_begins_the_listing_again(self, server: HTTPServer) -> None:
        """H8: the whole listing is shown after all, from its first page."""
        lost = refusal(400, "Invalid cursor provided.")
        answer(server, [page("a", cursor="2"), lost, page("a", cursor="3"), page("b")])
        assert listed(Asking(KEY)) == ["a", "a", "b"]
        assert cursors(server) == [None, "2", None, "3"]

    def test_cursors_forgotten_again_and_again_end_the_sync(self, server: HTTPServer) -> None:
        """H8: after three tries the listing is given up, with its cause."""
        lost = refusal(410, "The cursor has expired")
        answer(server, [page("a", cursor="2"), lost] * 4)
        with pytest.raises(CursorError):
            listed(Asking(KEY))
        assert len(server.log) == 6

    @pytest.mark.parametrize("link", ["{url}", "{url}/../", "//{host}", "http://user:pw@{host}"])
    def test_the_host_of_a_link_is_never_asked(self, server: HTTPServer, link: str) -> None:
        """X3: only the cursor is taken; the key goes nowhere else."""
        with serve(b"") as other:
            host = link.format(url=other.url, host=other.url.removeprefix("http://"))
            answer(server, [page("a", cursor="2", host=host), page("b")])
            assert listed(Asking(KEY)) == ["a", "b"]
            assert other.connections == 0
        assert cursors(server) == [None, "2"]


class TestReports:
    """Where each kind of question takes its cursor."""

    @staticmethod
    def attributes(cursor: str | None) -> Response:
        """A page of a report."""
        link = cursor and f"https://a.klaviyo.com{PATH}?page_cursor={cursor}"
        empty: dict[str, Any] = {"results": [], "dates": [], "data": []}  # of either kind
        document = {"data": {"attributes": empty}, "links": {"next": link}}
        return Response(json.dumps(document))

    @pytest.mark.parametrize(
        ("question", "place"),
        [
            (Asking.report, lambda request: request.args.get("page_cursor")),
            (Asking.aggregate, lambda request: sent(request).get("page_cursor")),
        ],
        ids=["report", "aggregate"],
    )
    def test_a_cursor_goes_where_klaviyo_reads_it(
        self,
        server: HTTPServer,
        question: Callable[..., Any],
        place: Callable[[Request], str | None],
    ) -> None:
        """In the address for reports, in the body for metric aggregates; the rest stays."""
        answer(server, [self.attributes("2"), self.attributes(None)])
        body = {"type": "x", "attributes": {"statistics": ["opens"]}}
        assert len(list(question(Asking(KEY), PATH, body))) == 2
        assert [place(request) for request, _ in server.log] == [None, "2"]
        assert all(sent(request)["statistics"] == ["opens"] for request, _ in server.log)


def sent(request: Request) -> Any:
    """The attributes in a request's body."""
    return json.loads(request.get_data())["data"]["attributes"]


def test_the_key_shows_nowhere(server: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    """X1: no log line of waiting and asking again holds the key."""
    caplog.set_level("DEBUG", logger="klaviyo")
    asking.log.addHandler(caplog.handler)
    try:
        answer(server, [refusal(429, f"no: {KEY}", Retry_After="0"), page("a")])
        client = Asking(KEY)
        listed(client)
    finally:
        asking.log.removeHandler(caplog.handler)
    assert caplog.text
    assert KEY not in f"{caplog.text} {client!r}"
