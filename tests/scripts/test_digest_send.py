"""`python -m scripts.digest smoke` and `ses-bootstrap`: sending by SMTP and by SES."""

import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import pytest
import trustme
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses import models as moto_ses
from moto.ses.models import EmailIdentity, RawMessage, SESBackend, ses_backends
from moto.sesv2.responses import SESV2Response

from scripts.digest import ses as amazon_ses
from scripts.digest.__main__ import main
from tests.scripts.inbox import PASSWORD, UNKNOWN_RECIPIENT, Inbox, serve

ADDRESSES = {
    "DIGEST_FROM": "Warehouse <from@example.com>",
    "DIGEST_TO": "a@example.com, b@example.com",
}


@pytest.fixture(name="inbox")
def _inbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Inbox]:
    """A server that requires STARTTLS and a password, with a trusted certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    inbox = Inbox()
    with serve(
        inbox,
        tls_context=tls,
        require_starttls=True,
        auth_required=True,
        authenticator=inbox.authenticate,
    ) as settings:
        login = {"SMTP_USER": "me", "SMTP_PASSWORD": PASSWORD}
        for name, value in (ADDRESSES | settings | login).items():
            monkeypatch.setenv(name, value)
        yield inbox


def get_error(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Run the command, which must fail with this exit code; return its one-line error."""
    assert main(list(arguments)) == code
    out, err = capsys.readouterr()
    assert PASSWORD not in out + err
    [line] = err.split("\n")[1:-1]
    return line


def test_each_recipient_gets_an_own_copy(inbox: Inbox) -> None:
    """Each copy names one recipient only, and the login goes through TLS."""
    assert main(["smoke", "--subject", "Hello", "--body", "Is it there?"]) == 0
    assert inbox.recipients == [["a@example.com"], ["b@example.com"]]
    assert inbox.passwords == [PASSWORD.encode()]
    for message, recipient in zip(inbox.messages, ["a@example.com", "b@example.com"], strict=True):
        assert message["To"] == recipient
        assert message["From"] == "Warehouse <from@example.com>"
        assert message["Subject"] == "Hello"
        assert message.get_content().strip() == "Is it there?"
        assert message["Date"]
    assert len({message["Message-ID"] for message in inbox.messages}) == 2


def test_recipients_of_the_command_line_override_the_setting(inbox: Inbox) -> None:
    """With --to a test message goes to these recipients and not to DIGEST_TO."""
    assert main(["smoke", "--to", "c@example.com"]) == 0
    assert inbox.recipients == [["c@example.com"]]


def test_without_encryption_no_password_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SMTP_SECURITY=none the messages are sent and the password is not."""
    inbox = Inbox()
    with serve(inbox) as settings:
        login = {"SMTP_SECURITY": "none", "SMTP_USER": "me", "SMTP_PASSWORD": PASSWORD}
        for name, value in (ADDRESSES | settings | login).items():
            monkeypatch.setenv(name, value)
        assert main(["smoke"]) == 0
    assert len(inbox.messages) == 2
    assert inbox.passwords == []


def test_server_without_encryption_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that lacks STARTTLS is an error; there is no fallback to clear text."""
    inbox = Inbox()
    with serve(inbox) as settings:
        for name, value in (ADDRESSES | settings).items():
            monkeypatch.setenv(name, value)
        assert "STARTTLS" in get_error(capsys, 1, "smoke")
    assert inbox.messages == []


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("SMTP_PASSWORD", "hush-hush-wrong", "535"),
        ("SSL_CERT_FILE", "", "CERTIFICATE_VERIFY_FAILED"),
        ("SMTP_PORT", "9", "Connection refused"),
        ("DIGEST_TO", UNKNOWN_RECIPIENT, "no such mailbox"),
    ],
    ids=["wrong password", "unknown certificate", "no server", "unknown recipient"],
)
def test_failed_delivery(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: str,
    reason: str,
) -> None:
    """A failed delivery exits with 1 and prints the server and its reason."""
    monkeypatch.setenv(setting, value)
    line = get_error(capsys, 1, "smoke")
    assert line.startswith("localhost:")
    assert reason in line


def test_all_mail_settings_are_validated_at_once(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    """Missing and malformed settings exit with 2, and one line names them all."""
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["DIGEST_FROM is not set", "DIGEST_TO is not set", "SMTP_HOST is not set"]),
        (ADDRESSES | {"SMTP_HOST": "x", "SMTP_PORT": "mail"}, ["SMTP_PORT"]),
        (ADDRESSES | {"SMTP_HOST": "x", "DIGEST_TO": "everybody"}, ["'everybody' is no e-mail"]),
        (ADDRESSES | {"SMTP_HOST": "x", "SMTP_SECURITY": "no"}, ["SMTP_SECURITY"]),
    ]
    for settings, reasons in cases:
        with subtests.test(reasons[0]), mock.patch.dict(os.environ, settings):
            line = get_error(capsys, 2, "smoke")
            assert [reason for reason in reasons if reason not in line] == []


@pytest.fixture(name="ses")
def _ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[SESBackend]:
    """A simulated SES, with the send rate and the DKIM tokens that moto lacks."""
    keys = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": PASSWORD}
    for name, value in (ADDRESSES | keys | {"AWS_DEFAULT_REGION": "eu-west-1"}).items():
        monkeypatch.setenv(name, value)

    class WithTokens(EmailIdentity):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.dkim_attributes["Tokens"] = ["one", "two", "three"]

    monkeypatch.setattr(moto_ses, "EmailIdentity", WithTokens)
    rate = json.dumps({"SendQuota": {"MaxSendRate": 4.0}})
    monkeypatch.setattr(SESV2Response, "get_account", lambda _: rate, raising=False)
    with mock_aws():
        yield ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"]


def test_ses_send_rate_is_respected(ses: SESBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a send rate of four per second each message is followed by a pause of 0.25 seconds."""
    pauses: list[float] = []
    monkeypatch.setattr(amazon_ses, "time", SimpleNamespace(sleep=pauses.append))
    boto3.client("sesv2").create_email_identity(EmailIdentity="example.com")
    assert main(["smoke", "--by", "ses", "--body", "Is it there?"]) == 0
    sent = [message for message in ses.sent_messages if isinstance(message, RawMessage)]
    assert [message.destinations for message in sent] == [["a@example.com"], ["b@example.com"]]
    assert "Is it there?" in sent[0].raw_data
    assert pauses == [0.25, 0.25]


@pytest.mark.usefixtures("ses")
def test_ses_error_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A sender that SES has not verified exits with 1 and SES's own message."""
    assert "Did not have authority" in get_error(capsys, 1, "smoke", "--by", "ses")


@pytest.mark.parametrize("arguments", [["ses-bootstrap", "example.com"], ["smoke", "--by", "ses"]])
def test_ses_needs_a_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Without a region the command exits with 2 before any request and names the setting."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    assert "AWS_DEFAULT_REGION is not set" in get_error(capsys, 2, *arguments)


def test_domain_is_verified_once(ses: SESBackend, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run prints the plan, the first run creates the identity, a second changes nothing."""
    verify = ["ses-bootstrap", "example.com"]
    assert main([*verify, "--dry-run"]) == 0
    assert "Would make example.com an identity" in capsys.readouterr().out
    assert not ses.email_identities

    assert main(verify) == 0
    first = capsys.readouterr().out.splitlines()
    identity = ses.email_identities["example.com"]
    assert identity.dkim_attributes["NextSigningKeyLength"] == "RSA_2048_BIT"
    assert first[-3:] == [
        f"{token}._domainkey.example.com CNAME {token}.dkim.amazonses.com"
        for token in ("one", "two", "three")
    ]

    assert main(verify) == 0
    assert "is an identity already" in (again := capsys.readouterr().out)
    assert again.splitlines()[-3:] == first[-3:]
    assert ses.email_identities == {"example.com": identity}
