"""How the digest's e-mails are sent: `smoke` by SMTP and by SES, and `ses-bootstrap`."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import trustme
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses import models as moto_ses
from moto.ses.models import EmailIdentity, RawMessage, SESBackend, ses_backends
from moto.sesv2.responses import SESV2Response

from scripts import digest, mail
from tests.scripts.inbox import PASSWORD, Inbox, serving

ADDRESSES = {
    "DIGEST_FROM": "Warehouse <from@example.com>",
    "DIGEST_TO": "a@example.com, b@example.com",
}


@pytest.fixture(name="inbox")
def _inbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Inbox]:
    """A server that insists on STARTTLS and a password, with a certificate that is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    inbox = Inbox()
    with serving(
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


def complaint(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """The one line in which the command says why it fails with this exit code."""
    assert digest.main(list(arguments)) == code
    out, err = capsys.readouterr()
    assert PASSWORD not in out + err
    [line] = err.split("\n")[1:-1]
    return line


def test_a_message_reaches_everybody_on_their_own(inbox: Inbox) -> None:
    """Each recipient gets a copy in which no other stands; the password went through TLS."""
    assert digest.main(["smoke", "--subject", "Hello", "--body", "Is it there?"]) == 0
    assert inbox.recipients == [["a@example.com"], ["b@example.com"]]
    assert inbox.logins == [PASSWORD.encode()]
    for message, recipient in zip(inbox.messages, ["a@example.com", "b@example.com"], strict=True):
        assert message["To"] == recipient
        assert message["From"] == "Warehouse <from@example.com>"
        assert message["Subject"] == "Hello"
        assert message.get_content().strip() == "Is it there?"
        assert message["Date"]
    assert len({message["Message-ID"] for message in inbox.messages}) == 2


def test_recipients_of_the_command_line_come_first(inbox: Inbox) -> None:
    """A test message goes to those it is meant for, not to all readers of the digest."""
    assert digest.main(["smoke", "--to", "c@example.com"]) == 0
    assert inbox.recipients == [["c@example.com"]]


def test_without_encryption_there_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on the same machine may do without; a password set all the same stays here."""
    inbox = Inbox()
    with serving(inbox) as settings:
        login = {"SMTP_SECURITY": "none", "SMTP_USER": "me", "SMTP_PASSWORD": PASSWORD}
        for name, value in (ADDRESSES | settings | login).items():
            monkeypatch.setenv(name, value)
        assert digest.main(["smoke"]) == 0
    assert len(inbox.messages) == 2
    assert inbox.logins == []


def test_a_server_without_encryption_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody falls back to clear text unasked."""
    inbox = Inbox()
    with serving(inbox) as settings:
        for name, value in (ADDRESSES | settings).items():
            monkeypatch.setenv(name, value)
        assert "STARTTLS" in complaint(capsys, 1, "smoke")
    assert inbox.messages == []


@pytest.mark.usefixtures("inbox")
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SMTP_PASSWORD", "hush-hush-wrong", "535"),
        ("SSL_CERT_FILE", "", "CERTIFICATE_VERIFY_FAILED"),
        ("SMTP_PORT", "9", "Connection refused"),
        ("DIGEST_TO", "nobody@example.com", "no such mailbox"),
    ],
    ids=["wrong password", "unknown certificate", "no server", "unknown recipient"],
)
def test_a_message_that_does_not_arrive(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    value: str,
    said: str,
) -> None:
    """The exit code is 1, and the server and its reason are named."""
    monkeypatch.setenv(setting, value)
    line = complaint(capsys, 1, "smoke")
    assert line.startswith("localhost:")
    assert said in line


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ["DIGEST_FROM is not set", "DIGEST_TO is not set", "SMTP_HOST is not set"]),
        (ADDRESSES | {"SMTP_HOST": "x", "SMTP_PORT": "mail"}, ["SMTP_PORT"]),
        (ADDRESSES | {"SMTP_HOST": "x", "DIGEST_TO": "everybody"}, ["'everybody' is no e-mail"]),
        (ADDRESSES | {"SMTP_HOST": "x", "SMTP_SECURITY": "no"}, ["SMTP_SECURITY"]),
    ],
)
def test_settings_are_named_together(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    said: list[str],
) -> None:
    """The exit code is 2, and one run tells all that is missing or malformed."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    line = complaint(capsys, 2, "smoke")
    assert [part for part in said if part not in line] == []


@pytest.fixture(name="amazon")
def _amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[SESBackend]:
    """A simulated SES. What moto lacks is given to it: the account's rate and DKIM's tokens."""
    keys = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": PASSWORD}
    for name, value in (ADDRESSES | keys | {"AWS_DEFAULT_REGION": "eu-west-1"}).items():
        monkeypatch.setenv(name, value)

    class WithTokens(EmailIdentity):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.dkim_attributes["Tokens"] = ["one", "two", "three"]

    monkeypatch.setattr(moto_ses, "EmailIdentity", WithTokens)
    rate = json.dumps({"SendQuota": {"MaxSendRate": 4.0}})
    monkeypatch.setattr(SESV2Response, "get_account", lambda _: rate, raising=False)
    with mock_aws():
        yield ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"]


def test_ses_sends_no_faster_than_the_account_may(
    amazon: SESBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four a second are allowed, so a quarter of a second lies between two."""
    naps: list[float] = []
    monkeypatch.setattr(mail, "time", SimpleNamespace(sleep=naps.append))
    boto3.client("sesv2").create_email_identity(EmailIdentity="example.com")
    assert digest.main(["smoke", "--by", "ses", "--body", "Is it there?"]) == 0
    sent = [message for message in amazon.sent_messages if isinstance(message, RawMessage)]
    assert [message.destinations for message in sent] == [["a@example.com"], ["b@example.com"]]
    assert "Is it there?" in sent[0].raw_data
    assert naps == [0.25, 0.25]


@pytest.mark.usefixtures("amazon")
def test_what_ses_refuses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is not verified ends the command with 1, and SES's words."""
    assert "Did not have authority" in complaint(capsys, 1, "smoke", "--by", "ses")


@pytest.mark.parametrize("arguments", [["ses-bootstrap", "example.com"], ["smoke", "--by", "ses"]])
def test_ses_needs_a_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The setting is named with the others that are missing, and nobody is asked."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    assert "AWS_DEFAULT_REGION is not set" in complaint(capsys, 2, *arguments)


def test_a_domain_is_verified_once(amazon: SESBackend, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run shows the plan, the first run carries it out, a second one changes nothing."""
    verify = ["ses-bootstrap", "example.com"]
    assert digest.main([*verify, "--dry-run"]) == 0
    assert "Would make example.com an identity" in capsys.readouterr().out
    assert not amazon.email_identities

    assert digest.main(verify) == 0
    first = capsys.readouterr().out.splitlines()
    identity = amazon.email_identities["example.com"]
    assert identity.dkim_attributes["NextSigningKeyLength"] == "RSA_2048_BIT"
    assert first[-3:] == [
        f"{token}._domainkey.example.com CNAME {token}.dkim.amazonses.com"
        for token in ("one", "two", "three")
    ]

    assert digest.main(verify) == 0
    assert "is an identity already" in (again := capsys.readouterr().out)
    assert again.splitlines()[-3:] == first[-3:]
    assert amazon.email_identities == {"example.com": identity}
