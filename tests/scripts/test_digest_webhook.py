"""`python -m scripts.digest --by webhook`: posting to Slack or another service."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from scripts.digest.__main__ import main
from scripts.digest.webhook import MAX_BLOCKS, build_payload
from tests.scripts.inbox import Inbox, serve

SECRET = "T000-hush-hush-B000"


@pytest.fixture(name="hook")
def _hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A service that takes messages at a secret address."""
    monkeypatch.setenv("DIGEST_WEBHOOK", httpserver.url_for(f"/{SECRET}"))
    monkeypatch.setenv("DIGEST_LINK", "https://example.com/dashboard?a=1&b=2")
    yield httpserver
    httpserver.check_assertions()


def smoke(capsys: pytest.CaptureFixture[str], code: int, *options: str) -> str:
    """Send a test message, which ends with this exit code; return what is printed."""
    assert main(["smoke", *options]) == code
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    return out + err


def test_a_digest_is_posted_as_slacks_json(
    hook: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slack gets a heading, the text and a link; others get the same as one text."""
    hook.expect_request(f"/{SECRET}", method="POST").respond_with_data("ok")
    body = "Sale <!channel> & more"
    assert "Posted to localhost" in smoke(
        capsys, 0, "--by", "webhook", "--subject", "Hello", "--body", body
    )
    [(request, _)] = hook.log
    assert request.content_type == "application/json"
    posted = request.get_json()
    heading, section, link = posted["blocks"]
    assert heading["text"] == {"type": "plain_text", "text": "Hello"}
    assert section["text"]["text"] == "```Sale &lt;!channel&gt; &amp; more```"
    assert link["text"]["text"] == (
        "<https://example.com/dashboard?a=1&amp;b=2|Open the dashboard>"
    )
    assert posted["text"].startswith(f"Hello\n\n{body}")


def test_an_email_and_a_webhook_get_the_same_digest(
    hook: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With both settings the message is sent to the recipients and posted."""
    hook.expect_request(f"/{SECRET}").respond_with_data("ok")
    inbox = Inbox()
    with serve(inbox) as settings:
        mail = {"DIGEST_FROM": "a@example.com", "DIGEST_TO": "b@example.com"}
        for name, value in (mail | settings | {"SMTP_SECURITY": "none"}).items():
            monkeypatch.setenv(name, value)
        smoke(capsys, 0, "--body", "Is it there?")
    [message] = inbox.messages
    [(request, _)] = hook.log
    assert message.get_content().strip() == "Is it there?"
    assert "Is it there?" in request.get_json()["text"]


@pytest.mark.parametrize(
    ("status", "answer"), [(404, "no_service"), (410, "channel_is_archived"), (302, "")]
)
def test_a_refused_message_is_an_error_with_the_remedy(
    hook: HTTPServer, capsys: pytest.CaptureFixture[str], status: int, answer: str
) -> None:
    """The answer of the service and what to do; a redirect, too, is no delivery."""
    headers = {"Location": hook.url_for("/elsewhere")}
    hook.expect_request(f"/{SECRET}").respond_with_data(answer, status, headers)
    output = smoke(capsys, 1, "--by", "webhook")
    assert f"The webhook at localhost answered {status}: {answer}." in output
    assert "Create a new webhook there and set DIGEST_WEBHOOK." in output
    assert [request.path for request, _ in hook.log] == [f"/{SECRET}"]


def test_a_busy_service_is_asked_again(
    hook: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a 429 the message is posted again when the service says so."""
    answers = iter([Response("slow down", 429, {"Retry-After": "0"}), Response("ok")])

    def answer(_: Request) -> Response:
        return next(answers)

    hook.expect_request(f"/{SECRET}").respond_with_handler(answer)
    smoke(capsys, 0, "--by", "webhook")
    assert len(hook.log) == 2


def test_a_service_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the host and not the address."""
    monkeypatch.setenv("DIGEST_WEBHOOK", f"http://127.0.0.1:9/{SECRET}")
    output = smoke(capsys, 1, "--by", "webhook")
    assert "The webhook at 127.0.0.1 cannot be reached: ConnectionError." in output


def test_an_address_that_others_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """Only https, or http to this machine; the message does not repeat the address."""
    for address in [
        f"http://hooks.example.com/{SECRET}",
        f"ftp://127.0.0.1/{SECRET}",
        SECRET,
        "https://",
    ]:
        with subtests.test(address=address):
            monkeypatch.setenv("DIGEST_WEBHOOK", address)
            output = smoke(capsys, 2, "--by", "webhook")
            assert "DIGEST_WEBHOOK: it must be an address that begins with https://" in output


def test_a_missing_webhook_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """To choose the webhook without its address exits with 2."""
    assert "DIGEST_WEBHOOK is not set" in smoke(capsys, 2, "--by", "webhook")


@given(text=st.text() | st.text("a<&\n`", min_size=2900, max_size=9000))
def test_any_text_fits_into_slacks_limits(text: str) -> None:
    """Sections and blocks stay within Slack's limits, and the text is never markup."""
    payload = build_payload("x" * 200, text)
    blocks = json.loads(json.dumps(payload))["blocks"]
    assert len(blocks) <= MAX_BLOCKS
    assert len(blocks[0]["text"]["text"]) <= 150
    for block in blocks[1:]:
        section = block["text"]["text"]
        assert len(section) <= 3000
        assert "<" not in section
        assert section.startswith("```")
        assert "```" not in section[3:-3]
