"""Requests to Salesforce: one version, a session that is renewed, waits, the limit of requests.

INVALID_SESSION_ID           logs in once per request, and sends the request again
429, 5xx, a lock, too many   is tried again within a bound; then the next run continues
requests at one time
the share of the limit       LimitError     sends no further request: the next run continues
other                        RefusedError   skips one object and reads the others
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from requests import PreparedRequest, RequestException, Response
from urllib3.exceptions import HTTPError, MaxRetryError

from simplyload.errors import LimitError, SourceError
from simplyload.sources.salesforce.login import Login, log_in
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.web import RETRY, TIMEOUT, open_session, read_time

API_VERSION = "67.0"
PAGE = 2000  # the most rows that an answer to a query has
# The address and all headers may have 16,384 bytes; a longer query is sent in a body.
LONGEST_ADDRESS = 8000
# A query may have 100,000 characters; its conditions have the rest.
LONGEST_SELECT = 80_000
# Codes of answers with 400 or 403 that may be different in a moment.
_PASSING = {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}
_IS_DAILY = "TotalRequests"  # in the message: the requests of a day, not those at one time
_USAGE = re.compile(r"(?:^|[\s,;])api-usage=(\d+)/(\d+)")

Record = dict[str, Any]


class RefusedError(SourceError):
    """One object cannot be read; `code` is Salesforce's word for the reason."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Page(NamedTuple):
    """Rows of a query in the order of their ids, and the last id."""

    records: Sequence[Record]
    last: str


class _Answer(NamedTuple):
    """The body of an answer, and the locator of what follows it."""

    body: Any
    locator: str


class Client:
    """Reads for one user. `now` is Salesforce's clock at the last answer: ours may be wrong."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self.now = 0
        self._settings = settings
        self._session = open_session()
        self._session.auth = self._authorize  # a .netrc file has no part in it
        self._login: Login | None = None
        self._used, self._limit = 0, 0

    @property
    def org(self) -> str:
        """The id of the org; logs in if that has not happened."""
        return self._ensure_login().org

    @property
    def usage(self) -> str:
        """How many requests of how many the org has used, as the last answer said."""
        return f"{self._used} of {self._limit} API requests of 24 hours"

    def begin(self) -> None:
        """Forget how much was used, which is less after a while: the first answer tells."""
        self._used = self._limit = 0

    def get(self, path: str, **params: str) -> Any:
        """Read one resource of the pinned version."""
        return self.get_part(path, **params)[0]

    def get_part(self, path: str, **params: str) -> tuple[Any, str]:
        """Read a part of a resource, and the locator of the next one: `null` after the last."""
        answer = self._ask(f"{path}?{urlencode(params)}" if params else path)
        return answer.body, answer.locator

    def send(self, method: str, path: str, body: Record | None = None) -> Any:
        """Create or delete a job."""
        return self._ask(path, body, method).body

    def query(self, soql: str) -> Record:
        """Return the first answer to a query, with rows in the recycle bin and archived ones.

        Activities of more than a year ago are archived: without them they would look deleted.
        """
        address = f"queryAll?{urlencode({'q': soql})}"
        if len(address) <= LONGEST_ADDRESS:
            return _as_answer(self.get(address))
        request = {"method": "GET", "url": f"{_PATH}{address}", "referenceId": "rows"}
        return _as_answer(self.send("POST", "composite", {"compositeRequest": [request]}))

    def pages(
        self, name: str, fields: Sequence[str], where: Sequence[str] = (), after: str = ""
    ) -> Iterator[Page]:
        """Yield rows in the order of their ids, from an id on.

        Each page is a query of its own. A locator would end with the session, and a user may have
        only ten. If one query cannot hold all fields, groups of fields are read and joined by id.
        """
        first, *others = split_fields(fields)
        for page in self._pages(name, first, where, after):
            records = page.records
            for group in others:
                records = self._join(name, group, where, records)
            yield Page(records, page.last)

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def _join(
        self, name: str, fields: Sequence[str], where: Sequence[str], records: Sequence[Record]
    ) -> list[Record]:
        """Add further fields to records.

        A record that the condition no longer finds has changed since: a later read finds it by its
        new stamp. A record that changed and is still found is correct, and is read again later.
        """
        if not records:
            return []
        bounds = [f"Id >= '{records[0]['Id']}'", f"Id <= '{records[-1]['Id']}'"]
        more: dict[str, Record] = {}
        for page in self._pages(name, ["Id", *fields], [*where, *bounds]):
            more.update((record["Id"], record) for record in page.records)
            if page.last >= records[-1]["Id"]:
                break  # a full page asks for the next one, which is empty
        return [record | more[record["Id"]] for record in records if record["Id"] in more]

    def _pages(
        self, name: str, fields: Sequence[str], where: Sequence[str] = (), after: str = ""
    ) -> Iterator[Page]:
        while True:
            bounds = [*where, *([f"Id > '{after}'"] if after else [])]
            condition = f" WHERE {' AND '.join(bounds)}" if bounds else ""
            select = f"SELECT {', '.join(fields)} FROM {name}"  # noqa: S608 - names of describe
            soql = f"{select}{condition} ORDER BY Id LIMIT {PAGE}"
            answer = self.query(soql)
            records, done = answer["records"], answer["done"]
            if records:
                after = records[-1]["Id"]
                yield Page(records, after)
            # An answer may have fewer rows than the query asks for, and say that it is not done.
            if done and len(records) < PAGE:
                return
            if not records:
                raise RefusedError(f"Salesforce gives no row of {name} and says that more follow.")

    # ---- one request ----

    def _ask(self, path: str, body: Record | None = None, method: str = "GET") -> _Answer:
        """Send a request until it has an answer that a wait or a new login would not change."""
        tries, is_renewed = RETRY, False
        while True:
            self._stop_at_share()
            answer = self._send(method, path, body)
            found, code, message = _read(answer)
            if not code:
                return _Answer(found, answer.headers.get("Sforce-Locator", ""))
            if code == "INVALID_SESSION_ID" and not is_renewed:
                self._login, is_renewed = None, True
            elif code in _PASSING and _IS_DAILY not in message:
                try:
                    tries = tries.increment("GET", path)
                except MaxRetryError:
                    raise self._error(_name(path, body), answer, code, message) from None
                tries.sleep()
            else:
                raise self._error(_name(path, body), answer, code, message)

    def _send(self, method: str, path: str, body: Record | None) -> Response:
        url = f"{self._ensure_login().url}{_PATH}{path}"
        try:
            answer = self._session.request(
                method,
                url,
                json=body,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            self.now = read_time(answer)
        except (RequestException, HTTPError, ValueError) as error:
            raise SourceError(
                f"Salesforce gave no answer to {_name(path, body)} ({type(error).__name__}):"
                " nothing is lost, the next run goes on. If it stays so, look at the network and"
                " status.salesforce.com."
            ) from None
        usage = _USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self._used, self._limit = int(usage[1]), int(usage[2])
        return answer

    def _ensure_login(self) -> Login:
        if self._login is None:
            with open_session() as session:
                self._login = log_in(self._settings, session)
        return self._login

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._ensure_login().token}"
        return request

    def _stop_at_share(self) -> None:
        share = self._settings.api_share
        if self._limit and self._used >= share * self._limit:
            raise LimitError(
                f"The org has used {self.usage}, and this source stops at {share:.0%} of them"
                " (`api_share`): what is complete is loaded, and the next run goes on."
            )

    def _error(self, what: str, answer: Response, code: str, message: str) -> SourceError:
        hidden = self._settings.hide(message)
        if self._login:
            hidden = hidden.replace(self._login.token, "***")
        if code == "REQUEST_LIMIT_EXCEEDED" and _IS_DAILY in message:
            return LimitError(
                f"The org has no API requests left ({hidden}): what is complete is loaded, and a"
                " run after some hours goes on."
            )
        if code in {"INVALID_SESSION_ID", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}:
            return SourceError(
                f"Salesforce accepts the login and refuses its session ({code}: {hidden}): give the"
                " user the permission API Enabled, and the app the scope api."
            )
        if code in _PASSING or answer.status_code in RETRY.status_forcelist:
            return SourceError(
                f"Salesforce answers {what} with {answer.status_code} again and again ({hidden}):"
                " nothing is lost, the next run goes on."
            )
        return RefusedError(f"Salesforce refuses {what} ({code}): {hidden}", code)


_PATH = f"/services/data/v{API_VERSION}/"


def split_fields(fields: Sequence[str]) -> list[list[str]]:
    """Return fields in groups of which each fits into a query."""
    groups: list[list[str]] = [[]]
    length = 0
    for field in fields:
        length += len(field) + 2
        if length > LONGEST_SELECT:
            groups.append([])
            length = len(field) + 2
        groups[-1].append(field)
    return groups


def _name(path: str, body: Any) -> str:
    """Return a request's name for a message: a query names its object."""
    found = re.search(r"FROM\+(\w+)", str(body or path))
    return f"a query of {found[1]}" if found else path.partition("?")[0]


def _read(answer: Response) -> tuple[Any, str, str]:
    """Return the body, and the code and message of an error, both empty where there is none."""
    if answer.status_code == 204:
        return None, "", ""
    if answer.status_code == 200 and "csv" in answer.headers.get("Content-Type", ""):
        return answer.content.decode(), "", ""
    try:
        body, status = json.loads(answer.content), answer.status_code  # always UTF-8
        if isinstance(body, dict) and "compositeResponse" in body:
            [part] = body["compositeResponse"]
            body, status = part["body"], part["httpStatusCode"]
    except (ValueError, LookupError, TypeError):
        return None, str(answer.status_code), "the answer is no JSON"
    if status in {200, 201}:
        return body, "", ""
    error = body[0] if isinstance(body, list) and body else body
    error = error if isinstance(error, dict) else {}
    code = str(error.get("errorCode") or answer.status_code)
    return body, code, str(error.get("message", "no reason given"))


def _as_answer(body: Any) -> Record:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise RefusedError("Salesforce's answer to a query has no rows: try again later.")
    return body
