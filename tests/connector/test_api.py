"""One request over real sockets: a document, or an error named by its remedy."""

import gzip
import json
import ssl
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import urllib3
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import api
from api import (
    AuthError,
    ConfigurationError,
    ContractError,
    CursorError,
    GoneError,
    KlaviyoClient,
    KlaviyoError,
    RateLimitHeaders,
    RefusedError,
    ScopeError,
    TooLargeError,
    TransientError,
    parse_quotas,
)
from tests.raw_server import Answer, Connection, RawServer, serve

KEY = "pk_0123456789abcdef"
PATH = "/api/metrics"
GOOD = json.dumps({"data": [], "links": {"self": "", "next": None}}).encode()
HTML = "<!DOCTYPE html><title>Just a moment...</title>"
NOON = "Fri, 20 Nov 2020 12:00:00 GMT"
SOON = 0.5  # seconds; a deadline short enough for a test


def error_document(detail: str) -> str:
    """An error document in Klaviyo's shape."""
    return json.dumps({"errors": [{"id": "1", "code": "x", "title": "x", "detail": detail}]})


def error_of(client: KlaviyoClient) -> KlaviyoError:
    """The error that a request ends with."""
    with pytest.raises(KlaviyoError) as error:
        client.get(PATH)
    return error.value


def error_for(server: HTTPServer, response: Response) -> KlaviyoError:
    """The error that a response becomes."""
    server.clear()
    server.expect_request(PATH).respond_with_response(response)
    return error_of(KlaviyoClient(KEY))


def is_broken(error: KlaviyoError) -> bool:
    """Whether an error says that the response itself is malformed."""
    return isinstance(error, TransientError) and error.broken


def raw_response(status: str, *headers: str, body: bytes = b"{}") -> bytes:
    """The bytes of a response with these headers alone."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def error_from(raw: RawServer, deadline: float = 30) -> KlaviyoError:
    """The error that a raw server's response becomes."""
    return error_of(KlaviyoClient(KEY, raw.url, deadline=deadline))


RETIRED = "The revision date requested is before the earliest available."  # Klaviyo's words


class TestStatus:
    """H1 to H10: what a response means."""

    def test_a_status_becomes_the_error_of_its_remedy(self, server: HTTPServer) -> None:
        """Retry, change the key, skip the tables, list again, or give up."""
        remedies: list[tuple[int, str, type[KlaviyoError]]] = [
            (401, error_document("Incorrect authentication credentials."), AuthError),
            (403, error_document("You do not have permission"), ScopeError),
            (403, HTML, TransientError),  # Cloudflare's challenge is no missing scope
            (400, error_document("Invalid cursor provided."), CursorError),
            (410, error_document("The cursor has expired."), CursorError),
            (400, error_document("'bogus' is not a filterable field"), RefusedError),
            (404, error_document("Not found."), GoneError),
            (410, error_document("This record was removed."), GoneError),
            (404, error_document(RETIRED), ContractError),  # no record is deleted
            (410, error_document("This revision was sunset."), ContractError),
            (405, "", ContractError),
            (409, error_document("Conflict"), ContractError),
            (418, HTML, ContractError),
            *((code, HTML, TransientError) for code in (104, 408, 425, 429, 500, 502, 503, 504)),
            *((code, HTML, TransientError) for code in (520, 521, 522, 523, 524)),
        ]
        offenders = [
            (status, body, raised)
            for status, body, error in remedies
            if type(raised := error_for(server, Response(body, status))) is not error
        ]
        assert offenders == []

    def test_a_retired_revision_has_a_remedy(self, server: HTTPServer) -> None:
        """The 404 that a public plugin got for an older revision is answered by an update."""
        error = error_for(server, Response(error_document(RETIRED), 404))
        assert str(error).endswith("2026-10-15 is not served there: update the connector")

    def test_klaviyos_description_of_an_error_is_repeated(self, server: HTTPServer) -> None:
        """The error names the path and the refused filter in one line."""
        error = error_for(server, Response(error_document("'bogus' is no\nfield"), 400))
        assert PATH in str(error)
        assert "'bogus' is no" in str(error)
        assert "\n" not in str(error)

    def test_every_error_of_an_answer_is_a_reason(self, server: HTTPServer) -> None:
        """Whatever their order and number; what is no list of errors has none."""
        details = [f"{number} is no field" for number in range(50)]
        body = json.dumps({"errors": [*({"detail": detail} for detail in details), None, {}, 7]})
        error = error_for(server, Response(body, 400))
        assert isinstance(error, RefusedError)
        assert error.reasons == "; ".join(details)
        assert len(str(error)) < 400
        for odd in ("5", '{"detail": "x"}', '"x"', "null", "[[]]"):
            odd_error = error_for(server, Response(f'{{"errors": {odd}}}', 400))
            assert isinstance(odd_error, RefusedError), odd
            assert odd_error.reasons == "", odd

    def test_a_page_needs_data_and_links(self, server: HTTPServer) -> None:
        """A page without them is a broken response, not the end of the data."""
        bodies: list[str | bytes] = [
            HTML, "", "[]", "{}", "null", '"text"', GOOD[:-1], error_document("?"), '{"data": []}',
            '{"links": {}}', '{"data": null, "links": {}}', '{"data": [], "links": []}',
        ]  # fmt: skip
        errors = [(body, error_for(server, Response(body, 200))) for body in bodies]
        assert [(body, e) for body, e in errors if not is_broken(e)] == []

    @pytest.mark.parametrize("body", ["{}", '{"data": []}', '{"data": {"type": "x"}}'])
    def test_a_report_needs_attributes(self, server: HTTPServer, body: str) -> None:
        """A report without attributes is a broken response."""
        server.expect_request(PATH).respond_with_data(body)
        with pytest.raises(TransientError) as error:
            KlaviyoClient(KEY).post(PATH, {})
        assert error.value.broken

    def test_json_that_strict_parsers_refuse_is_read(self, server: HTTPServer) -> None:
        """NaN, lone surrogates and huge numbers are parsed; converters clean them later."""
        long, longer = "1" + "0" * 400, "1" + "0" * 4_999  # Python reads 4,300 digits
        odd = f'{{"id": "\\ud800", "n": NaN, "m": {long}, "o": {longer}}}'
        body = f'{{"data": [{odd}], "links": {{}}}}'
        server.expect_request(PATH).respond_with_data(body)
        (read,) = KlaviyoClient(KEY).get(PATH)["data"]
        assert (read["id"], read["m"], read["o"]) == ("\ud800", 10**400, longer)

    def test_an_integer_beyond_64_bits_keeps_its_digits(self, server: HTTPServer) -> None:
        """A tracking number of 22 digits is no float, on a page that any parser reads."""
        tracking = 9_400_111_899_223_197_428_490
        server.expect_request(PATH).respond_with_data(f'{{"data": [{tracking}], "links": {{}}}}')
        assert KlaviyoClient(KEY).get(PATH)["data"] == [tracking]


def retry_after(*headers: str) -> float | None:
    """The seconds that a throttled response with these headers asks for."""
    with serve(raw_response("429 Slow", *headers)) as raw:
        error = error_from(raw)
    assert isinstance(error, TransientError)
    assert error.throttled
    return error.retry_after


class TestHeaders:
    """What the headers of a response tell."""

    def test_retry_after_is_read_as_seconds(self) -> None:
        """A number, a date, or nothing usable; never an exception."""
        expected = {
            "7": 7.0,
            "0": 0.0,
            "3600": 3600.0,
            "-5": 0.0,
            "Fri, 20 Nov 2020 12:00:03 GMT": 3.0,  # by Klaviyo's clock, whatever ours says
            "Fri, 20 Nov 2020 11:00:00 GMT": 0.0,
            "Fri, 20 Nov 2020 12:00:03 -0000": None,
            "Fri, 99 Nov 2020 12:00:00 GMT": None,
            "Fri, 31 Dec 9999 23:59:59 -0100": None,  # no time in UTC
            "abc": None,
            "": None,
            "nan": None,
            "inf": None,
            "1e400": None,
        }
        date = f"Date: {NOON}"
        assert {value: retry_after(date, f"Retry-After: {value}") for value in expected} == expected

    def test_a_wait_in_words_is_read(self, server: HTTPServer) -> None:
        """Without the header, the seconds are those in the error's detail."""
        detail = "Request was throttled. Expected available in 43200 seconds."
        server.expect_request(PATH).respond_with_json({"errors": [{"detail": detail}]}, status=429)
        with pytest.raises(TransientError) as caught:
            KlaviyoClient(KEY).get(PATH)
        assert caught.value.retry_after == 43_200.0

    def test_a_retry_date_without_a_clock_is_no_use(self) -> None:
        """Without Klaviyo's own time a date tells no number of seconds."""
        assert retry_after(f"Retry-After: {NOON}") is None

    def test_quotas_are_pairs_of_requests_and_seconds(self) -> None:
        """A plain number is the quota of a second; junk tells no quota."""
        quotas: dict[str, tuple[tuple[float, float], ...]] = {
            "350, 350;w=1, 3500;w=60": ((350, 1), (3500, 60)),
            "1, 1;w=1, 2;w=60, 225;w=86400": ((1, 1), (2, 60), (225, 86_400)),
            "10": ((10, 1),),
            **dict.fromkeys(("", "x", "nan", "-1;w=-1"), ()),
        }
        assert {limit: parse_quotas(limit) for limit in quotas} == quotas

    def test_what_remains_of_the_second_is_read(
        self, server: HTTPServer, subtests: pytest.Subtests
    ) -> None:
        """A number and the seconds until it is renewed, or nothing where they are junk."""
        cases: list[tuple[str | None, str | None, tuple[float | None, float | None]]] = [
            ("349", "0", (349, 0)),
            ("0", "1.5", (0, 1.5)),
            ("x", "y", (None, None)),
            ("nan", "inf", (None, None)),
            (None, None, (None, None)),
        ]
        for remaining, reset, limits in cases:
            with subtests.test(remaining=remaining, reset=reset):
                server.clear()
                values = {"RateLimit-Remaining": remaining, "RateLimit-Reset": reset}
                headers = {name: value for name, value in values.items() if value is not None}
                server.expect_request(PATH).respond_with_response(Response(GOOD, 200, headers))
                client = KlaviyoClient(KEY)
                client.get(PATH)
                assert client.rate_limit == RateLimitHeaders((), *limits)

    def test_the_clock_is_klaviyos(self) -> None:
        """`now` is the Date header, since this machine's clock may be wrong."""
        with serve(raw_response("200 OK", f"Date: {NOON}", body=GOOD)) as raw:
            client = KlaviyoClient(KEY, raw.url)
            client.get(PATH)
        assert client.now == datetime(2020, 11, 20, 12, tzinfo=UTC)

    @pytest.mark.parametrize("headers", [[], ["Date: yesterday"], ["Date: Fri, 99 Nov 2020"]])
    def test_without_a_readable_date_the_clock_is_ours(self, headers: list[str]) -> None:
        """`now` is then the time of this machine, with its zone."""
        with serve(raw_response("200 OK", *headers, body=GOOD)) as raw:
            client = KlaviyoClient(KEY, raw.url)
            client.get(PATH)
        assert client.now.utcoffset() == timedelta(0)


class TestRedirect:
    """A response that points elsewhere."""

    def test_a_redirect_is_not_followed(
        self, server: HTTPServer, subtests: pytest.Subtests
    ) -> None:
        """The other host gets no connection, and so no key."""
        for status in [301, 302, 303, 307, 308]:
            with subtests.test(status=status):
                with serve(GOOD) as other:
                    error = error_for(server, Response("", status, {"Location": other.url + PATH}))
                    assert type(error) is ContractError
                    assert other.connections == 0
                assert len(server.log) == 1


HEAD = b"HTTP/1.1 200 OK\r\n"
GZIP = HEAD + b"Content-Encoding: gzip\r\n"
CUT_RESPONSES: dict[str, Answer] = {
    "length": HEAD + b"Content-Length: 999\r\n\r\n" + GOOD[:-5],
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n63\r\n" + GOOD[:-5],
    "chunked without an end": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(GOOD), GOOD),
    "close": HEAD + b"\r\n" + GOOD[:-5],
    "half a gzip": GZIP + b"Content-Length: 40\r\n\r\n" + gzip.compress(GOOD * 100)[:40],
    "half a second member": GZIP
    + b"\r\n"
    + gzip.compress(GOOD)
    + gzip.compress(bytes(range(256)))[:40],
    "no gzip at all": GZIP + b"Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a header": HEAD + b"Content-Le",
    "nothing": b"",
    "reset": Connection.reset,
}


GZIPS = {
    "two members": gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]),
    "an empty member": gzip.compress(b"") + gzip.compress(GOOD),
    "zeros": gzip.compress(GOOD) + bytes(20),
    "other bytes": gzip.compress(GOOD) + b"<!-- a proxy -->",
}


class TestBody:
    """Bodies that end early or do not end."""

    def test_a_cut_response_is_retried(self, subtests: pytest.Subtests) -> None:
        """Wherever the response ends early, the error is transient."""
        for framing, response in CUT_RESPONSES.items():
            with subtests.test(framing=framing), serve(response) as raw:
                assert type(error_from(raw)) is TransientError

    def test_a_gzip_bomb_is_not_unpacked(self, server: HTTPServer) -> None:
        """A small body that unpacks beyond the limit ends the sync."""
        bomb = gzip.compress(bytes(api.BODY_LIMIT + 2**20), compresslevel=1)
        error = error_for(server, Response(bomb, headers={"Content-Encoding": "gzip"}))
        assert type(error) is TooLargeError
        assert "64 MiB" in str(error)

    def test_a_gzip_is_read_as_urllib3_reads_it(
        self, server: HTTPServer, subtests: pytest.Subtests
    ) -> None:
        """Members follow each other, and what is no member is ignored."""
        for form, body in GZIPS.items():
            with subtests.test(form=form):
                server.clear()
                response = Response(body, headers={"Content-Encoding": "gzip"})
                server.expect_request(PATH).respond_with_response(response)
                with_urllib3 = urllib3.request("GET", server.url_for(PATH), retries=False)
                assert KlaviyoClient(KEY).get(PATH) == with_urllib3.json() == json.loads(GOOD)

    def test_members_of_a_gzip_share_the_limit(self, server: HTTPServer) -> None:
        """A bomb in several parts is one bomb."""
        half = gzip.compress(bytes(api.BODY_LIMIT // 2 + 1), compresslevel=1)
        error = error_for(server, Response(half + half, headers={"Content-Encoding": "gzip"}))
        assert type(error) is TooLargeError

    def test_an_endless_body_is_not_read_to_its_end(self) -> None:
        """Reading stops at the limit, however much would follow."""

        def endless(connection: Connection) -> None:
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            while not connection.stopped.is_set():
                connection.send(bytes(2**20))

        with serve(endless) as raw:
            assert type(error_from(raw)) is TooLargeError

    def test_a_large_page_is_read_whole(self, server: HTTPServer) -> None:
        """Klaviyo's largest pages are far below the limit, compressed or not."""
        page = {"data": [{"id": "x" * 2**20}] * 8, "links": {}}
        body = gzip.compress(json.dumps(page).encode(), compresslevel=1)
        response = Response(body, headers={"Content-Encoding": "gzip"})
        server.expect_request(PATH).respond_with_response(response)
        assert KlaviyoClient(KEY).get(PATH) == page


DRIPPED_PARTS = {
    "headers": HEAD + b"X-Slow: aaaa",
    "body by length": HEAD + b"Content-Length: 9999\r\n\r\n    ",
    "chunked body": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n    ",
    "body until close": HEAD + b"\r\n    ",
}


def send_then_drip(data: bytes) -> Answer:
    """All but the last bytes at once, then an endless drip."""

    def respond(connection: Connection) -> None:
        connection.send(data[:-4])
        connection.drip(data[-4:])

    return respond


class TestDeadline:
    """An exchange ends in time, however steadily it drips."""

    @pytest.mark.parametrize("part", DRIPPED_PARTS)
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_dripping_response_is_aborted(
        self, part: str, scheme: str, authority: trustme.CA, authority_file: Path
    ) -> None:
        """A steady drip of bytes ends at the deadline."""
        context = tls_context(authority.issue_cert("127.0.0.1")) if scheme == "https" else None
        with serve(send_then_drip(DRIPPED_PARTS[part]), context) as raw:
            client = KlaviyoClient(KEY, raw.url, deadline=SOON)
            client._session.verify = str(authority_file)
            error = error_of(client)
        assert type(error) is TransientError
        assert "no whole answer within" in str(error)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_silence_is_aborted(self, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that accepts and sends nothing, not even its certificate."""
        monkeypatch.setattr(api, "CONNECT_TIMEOUT", SOON)
        with serve(Connection.hold) as raw:
            client = KlaviyoClient(KEY, raw.url.replace("http:", f"{scheme}:"), deadline=SOON)
            assert type(error_of(client)) is TransientError

    def test_a_dripping_handshake_is_aborted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A certificate that drips in ends at the deadline too."""
        monkeypatch.setattr(api, "CONNECT_TIMEOUT", SOON)
        record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0"  # the head of a long handshake message
        with serve(lambda connection: connection.drip(record)) as raw:
            client = KlaviyoClient(KEY, raw.url.replace("http:", "https:"), deadline=SOON)
            assert "no whole answer within" in str(error_of(client))

    def test_the_next_request_works(self, server: HTTPServer) -> None:
        """A passed deadline does not end the next exchange."""
        with serve(Connection.hold) as raw:
            client = KlaviyoClient(KEY, raw.url, deadline=SOON)
            error_of(client)
            client.url = server.url_for("").rstrip("/")
            server.expect_request(PATH).respond_with_data(GOOD)
            assert client.get(PATH) == json.loads(GOOD)

    def test_a_closed_port_is_transient(self) -> None:
        """A refused connection is retried."""
        with serve(b"") as raw:
            closed = raw.url
        assert type(error_of(KlaviyoClient(KEY, closed))) is TransientError


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that no client trusts yet."""
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate as a file, for clients that trust it."""
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


def tls_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


class TestCertificate:
    """The server's certificate."""

    LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize("fault", ["of no known authority", "of another host", "expired"])
    def test_a_bad_certificate_is_not_retried(
        self, authority: trustme.CA, authority_file: Path, fault: str
    ) -> None:
        """One connection, no request, and a message that names the certificate."""
        certificate = {
            "of no known authority": trustme.CA().issue_cert("127.0.0.1"),
            "of another host": authority.issue_cert("klaviyo.example"),
            "expired": authority.issue_cert("127.0.0.1", not_after=self.LONG_AGO),
        }[fault]
        with serve(GOOD, tls_context(certificate)) as raw:
            client = KlaviyoClient(KEY, raw.url)
            client._session.verify = str(authority_file)
            error = error_of(client)
            assert raw.connections == 1
        assert type(error) is ContractError
        assert "certificate" in str(error)

    def test_a_trusted_certificate_is_accepted(
        self, authority: trustme.CA, authority_file: Path
    ) -> None:
        """The same exchange succeeds when the authority is a trusted one."""
        response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)
        with serve(response, tls_context(authority.issue_cert("127.0.0.1"))) as raw:
            client = KlaviyoClient(KEY, raw.url)
            client._session.verify = str(authority_file)
            assert client.get(PATH) == json.loads(GOOD)

    @pytest.mark.parametrize("end", ["closed", "reset"])
    def test_a_connection_lost_in_the_handshake_is_transient(self, end: str) -> None:
        """A connection that breaks before the certificate arrives tells nothing of it."""
        with serve(b"" if end == "closed" else Connection.reset) as raw:
            client = KlaviyoClient(KEY, raw.url.replace("http:", "https:"))
            assert type(error_of(client)) is TransientError


@pytest.fixture
def hostile_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A .netrc for every host, proxies and a certificate bundle; yields the proxy."""
    (tmp_path / ".netrc").write_text("default login somebody password something\n")
    (tmp_path / ".netrc").chmod(0o600)
    with serve(GOOD) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
        yield proxy


def text_of(request: Request) -> str:
    """The text of a request without its Authorization header."""
    headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
    return f"{request.url} {headers} {request.get_data(as_text=True)}"


class TestKey:
    """Where the API key goes."""

    @pytest.mark.usefixtures("hostile_environment")
    def test_the_key_is_sent_in_its_header_only(self, server: HTTPServer) -> None:
        """As Klaviyo wants it, whatever ~/.netrc holds, and nowhere else in the request."""
        server.expect_request(PATH).respond_with_json({"data": {"attributes": {}}, "links": {}})
        KlaviyoClient(KEY).post(PATH, {"type": "x"}, {"page_cursor": "c"})
        ((request, _),) = server.log
        assert request.headers["Authorization"] == f"Klaviyo-API-Key {KEY}"
        assert request.headers["revision"] == "2026-10-15"
        assert KEY not in text_of(request)

    def test_a_retired_revision_may_not_fall_forward(self, server: HTTPServer) -> None:
        """Klaviyo would answer in the form of a later revision and not say so."""
        server.expect_request(PATH).respond_with_data(GOOD)
        KlaviyoClient(KEY).get(PATH)
        ((request, _),) = server.log
        assert request.headers["X-Klaviyo-Revision-Fall-Forward-Opt-Out"] == "1"

    def test_no_proxy_of_the_environment_is_used(
        self, server: HTTPServer, hostile_environment: RawServer
    ) -> None:
        """A proxy would see the key of a plain connection."""
        server.expect_request(PATH).respond_with_data(GOOD)
        KlaviyoClient(KEY).get(PATH)
        assert hostile_environment.connections == 0

    def test_no_error_repeats_the_key(self, server: HTTPServer) -> None:
        """Not even where the response itself repeats it."""
        document = error_document(f"no such key: Klaviyo-API-Key {KEY}")
        for status in (200, 302, 400, 401, 403, 404, 429, 500):
            error = error_for(server, Response(document, status))
            assert KEY not in f"{error!r} {error} {error.__dict__}", status
            assert KEY not in "".join(traceback.format_exception(error)), status

    def test_no_transport_error_repeats_the_key_or_the_query(self) -> None:
        """A failed connection names the path; a query may hold addresses of people."""
        with serve(b"") as raw:
            closed = raw.url
        person = {"filter": "equals(email,'ada@example.com')"}
        for url in (closed, closed.replace("http:", "https:")):
            with pytest.raises(KlaviyoError) as error:
                KlaviyoClient(KEY, url).get(PATH, person)
            printed = "".join(traceback.format_exception(error.value))
            assert PATH in str(error.value)
            assert KEY not in printed
            assert "ada" not in printed

    def test_no_object_shows_the_key(self) -> None:
        """Logged by accident, a client shows no key."""
        client = KlaviyoClient(KEY, "http://127.0.0.1:1")
        assert KEY not in f"{client!r} {client} {client._session.auth!r} {client._session.headers}"


class TestAddress:
    """Which hosts the key may be sent to."""

    def test_the_default_is_klaviyo(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without KLAVIYO_BASE_URL requests go to Klaviyo, over TLS."""
        monkeypatch.delenv("KLAVIYO_BASE_URL", raising=False)
        assert api.base_url() == KlaviyoClient(KEY).url == "https://a.klaviyo.com"

    def test_the_sandbox_of_this_machine_may_be_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """KLAVIYO_BASE_URL may name a loopback host; empty is the default."""
        for address, used in {
            "": "https://a.klaviyo.com",
            "http://127.0.0.1:8765": "http://127.0.0.1:8765",
            "http://127.0.0.1:8765/": "http://127.0.0.1:8765",
            "http://localhost:8765": "http://localhost:8765",
            "http://[::1]:8765": "http://[::1]:8765",
        }.items():
            monkeypatch.setenv("KLAVIYO_BASE_URL", address)
            assert api.base_url() == used

    def test_no_other_host_may_be_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An address that only looks like loopback is refused before any request."""
        for url in (
            "https://evil.example", "http://169.254.169.254", "http://0.0.0.0:80",
            "127.0.0.1:8765", "ftp://127.0.0.1", "http://127.0.0.1@evil.example",
            "http://127.0.0.1.evil.example", "http://localhost.evil.example",
            "http://evil.example#127.0.0.1", "http://evil.example/?",
            "http://evil.example\\@127.0.0.1", "http://[evil", "file:///etc/passwd", "//127.0.0.1",
        ):  # fmt: skip
            monkeypatch.setenv("KLAVIYO_BASE_URL", url)
            with pytest.raises(ConfigurationError, match="KLAVIYO_BASE_URL"):
                KlaviyoClient(KEY)


class TestNextCursor:
    """The cursor of the next page."""

    def test_only_the_cursor_is_taken_from_a_link(self) -> None:
        """Whichever host the link names, even a malformed one."""
        links = [
            "https://a.klaviyo.com/api/events?page%5Bcursor%5D=abc%3D",
            "https://a.klaviyo.com/api/events/?sort=datetime&page[cursor]=abc%3D&x=1",
            "https://evil.example/api/events?page%5Bcursor%5D=abc%3D",
            "http://user:pass@127.0.0.1:1/?page[cursor]=abc%3D",
            "//evil.example/?page[cursor]=abc%3D",
            "http://[::1]/../?page[cursor]=abc%3D",
            "/api/campaign-values-reports?page_cursor=abc%3D",
            "http://[evil/?page[cursor]=abc%3D",
        ]
        cursors = {link: api.next_cursor("/api/x", {"links": {"next": link}}) for link in links}
        assert cursors == dict.fromkeys(links, "abc=")

    def test_a_page_without_a_link_is_the_last_one(self) -> None:
        """Only the absence of a link ends a listing."""
        last: list[dict[str, Any]] = [{}, {"next": None}, {"next": ""}]
        assert [api.next_cursor("/api/x", {"links": links}) for links in last] == [None] * 3

    @pytest.mark.parametrize("link", ["https://a.klaviyo.com/api/events", "?page[size]=1", 7])
    def test_a_link_without_a_cursor_is_broken(self, link: Any) -> None:
        """Such a link is not the end of the data."""
        with pytest.raises(TransientError) as error:
            api.next_cursor("/api/x", {"links": {"next": link}})
        assert error.value.broken

    def test_a_long_cursor_is_kept_whole(self) -> None:
        """A cursor of ten thousand characters is still a cursor."""
        link = f"https://a.klaviyo.com/api/events?page%5Bcursor%5D={'x' * 10_000}"
        assert api.next_cursor("/api/x", {"links": {"next": link}}) == "x" * 10_000
