"""What sources that read an API by HTTP share: the waits between tries, the server's clock."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import SecretStr
from requests import PreparedRequest, ReadTimeout, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from simplyload.errors import ConfigurationError, SourceError

TIMEOUT = (10, 80)  # seconds to connect, and between two parts of an answer
_LATE_ANSWERS = 2  # to which no part comes for that long: a third one would hardly come


class _Patience(Retry):
    """Tries that end at the second answer that does not come, as nine would take twelve minutes."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Return the tries that are left; raise where there is none."""
        late = [error, *(past.error for past in self.history)]
        if error and sum(isinstance(one, ReadTimeoutError) for one in late) == _LATE_ANSWERS:
            raise MaxRetryError(_pool, url, error) from error  # type: ignore[arg-type]
        return super().increment(method, url, response, error, _pool, _stacktrace)


# Waits of 1, 2, 4, ... 60 seconds and some jitter, or what the server asks: three minutes in all.
# Any method: these sources change no data at the server.
RETRY = _Patience(
    8,
    allowed_methods=None,
    status_forcelist=(409, 429, 500, 502, 503, 504),
    backoff_factor=0.5,
    backoff_jitter=1,
    backoff_max=60,
    retry_after_max=60,
    raise_on_status=False,
)


def open_session() -> Session:
    """Return a session that waits and tries again where a later try may succeed."""
    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=RETRY))
    return session


def read_time(answer: Response) -> int:
    """Return the server's time in seconds; ValueError without one."""
    return int(parsedate_to_datetime(answer.headers.get("Date", "")).timestamp())


def check_address(address: str) -> str:
    """Return an address without a slash at its end; ValueError where a secret could be read."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost"}:
        raise ValueError("the key is sent there, so it must be https://")
    return address.rstrip("/")


def parse_since(since: str, what: str = "time") -> int:
    """Return the seconds since 1970 of what a user wrote after --from, in UTC without a zone."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise ConfigurationError(f"--from takes a day or a {what}, such as 2026-11-27") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class TooMuchError(SourceError):
    """The source cannot answer so much at once; asked for less, it may."""


class Api:
    """Reads JSON from an API that takes a token; an error is a SourceError, and never has it."""

    def __init__(self, address: str, token: SecretStr) -> None:
        self._address = address
        self._token = token
        self._session = open_session()
        self._session.auth = self._authorize  # so that a .netrc file has no part in it

    def get(self, path: str, **params: Any) -> Any:
        """Read one resource."""
        place = f"{self._address}/{path}"
        try:
            answer = self._session.get(place, params=params, timeout=TIMEOUT, allow_redirects=False)
            body = answer.json() if answer.status_code == 200 else None
        except (RequestException, HTTPError, ValueError) as error:
            kind = TooMuchError if isinstance(error, ReadTimeout) else SourceError
            raise kind(
                f"{place} gave no answer ({type(error).__name__}): nothing is lost, the next run"
                " goes on. If it stays so, look at the network and the address."
            ) from None
        if answer.status_code in {401, 403}:
            raise SourceError(
                f"{place} refuses the token ({answer.status_code}): give one with the right to read"
            )
        if answer.status_code != 200:
            kind = TooMuchError if answer.status_code in {413, 504} else SourceError
            raise kind(
                f"{place} answers {answer.status_code} again and again: nothing is lost, the next"
                " run goes on."
            )
        return body

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request
