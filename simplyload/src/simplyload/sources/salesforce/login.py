"""The login at Salesforce by OAuth 2.0: client credentials, JWT bearer or a refresh token."""

import importlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from requests import RequestException, Session
from urllib3.exceptions import HTTPError

from simplyload.errors import ConfigurationError, SourceError
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.web import TIMEOUT, check_address

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 180  # the longest that Salesforce accepts


class Login(NamedTuple):
    """A session: its token, the address that takes requests, the id of the org."""

    token: str
    url: str
    org: str


def log_in(settings: SalesforceSettings, session: Session) -> Login:
    """Return a new session; SourceError with the reason where Salesforce refuses."""
    try:
        answer = session.post(
            f"{settings.login_url}/services/oauth2/token",
            data=_grant(settings),
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        body = answer.json()
        if answer.status_code == 200:
            # .../id/00D.../005...: the org, then the user
            return Login(
                body["access_token"],
                check_address(body["instance_url"]),
                body["id"].split("/")[-2],
            )
    except (RequestException, HTTPError, ValueError, LookupError) as error:
        raise SourceError(
            f"{settings.login_url} gave no answer to the login ({type(error).__name__}): look at"
            " the network and at login_url, which is the My Domain of the org."
        ) from None
    raise _refusal(settings, answer.status_code, body)


def _grant(settings: SalesforceSettings) -> Mapping[str, str]:
    """Return the fields of the request: whichever secret is given says which grant it is."""
    fields = {"client_id": settings.client_id}
    if settings.client_secret:
        fields["client_secret"] = settings.client_secret.get_secret_value()
    if settings.refresh_token:
        token = settings.refresh_token.get_secret_value()
        return {**fields, "grant_type": "refresh_token", "refresh_token": token}
    if settings.private_key:
        return {"grant_type": _JWT, "assertion": _sign(settings)}
    return {**fields, "grant_type": "client_credentials"}


def _sign(settings: SalesforceSettings) -> str:
    """Return the assertion of the JWT bearer flow, signed by the app's key."""
    claims = {
        "iss": settings.client_id,
        "sub": settings.username,
        "aud": settings.login_url,
        "exp": int(time.time()) + JWT_SECONDS,
    }
    try:
        jwt = importlib.import_module("jwt")
    except ModuleNotFoundError:
        raise ConfigurationError("private_key needs simplyload[salesforce]: install it") from None
    key = settings.private_key.get_secret_value() if settings.private_key else ""
    try:
        return str(jwt.encode(claims, key, algorithm="RS256"))
    except (ValueError, TypeError, jwt.PyJWTError):  # their text may repeat the key
        raise ConfigurationError(
            "private_key is no RSA key in the PEM format: it begins with -----BEGIN"
        ) from None


_REMEDIES = {
    "invalid_client_id": "look at client_id",
    "invalid_client": "look at client_id and client_secret",
    "invalid_grant": (
        "look at login_url (a sandbox has its own: MyDomain--name.sandbox.my.salesforce.com), and"
        " whether the app has the flow enabled with a user to run as"
    ),
}


def _refusal(settings: SalesforceSettings, status: int, body: Any) -> SourceError:
    error = str(body.get("error", "no reason given")) if isinstance(body, dict) else "no reason"
    text = str(body.get("error_description", "")) if isinstance(body, dict) else ""
    remedy = _REMEDIES.get(error, "look at client_id, client_secret and login_url")
    return SourceError(
        settings.hide(
            f"{settings.login_url} refuses the login ({status} {error}: {text}): {remedy}."
        )
    )
