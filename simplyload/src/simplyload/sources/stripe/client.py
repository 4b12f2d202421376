"""Requests to Stripe: one pinned version, lists page by page, errors with a remedy.

401                        SourceError    nothing can be read: the key
429, 5xx, no connection    SourceError    tried again within a bound; then the next run goes on
403, 404, other            RefusedError   one table cannot be read; the others go on
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from requests import RequestException
from urllib3.exceptions import HTTPError

from simplyload.errors import SourceError
from simplyload.sources.stripe.objects import API_VERSION, Object
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.web import RETRY, TIMEOUT, open_session, read_time

PAGE = 100  # the most that Stripe gives
EMPTY_TRIES = 3  # of a page without objects that says that more follow


class RefusedError(SourceError):
    """One table cannot be read; `is_missing` says that the object named does not exist."""

    def __init__(self, message: str, *, is_missing: bool = False, parameter: str = "") -> None:
        super().__init__(message)
        self.is_missing = is_missing
        self.parameter = parameter


class Anchor(NamedTuple):
    """The last object of a page, after which the next one begins."""

    id: str
    created: int | None


class Client:
    """Reads for one key. `now` is Stripe's clock at the last answer: ours may be wrong."""

    def __init__(self, settings: StripeSettings) -> None:
        self.now = 0
        self._base = settings.base_url
        self._key = settings.api_key.get_secret_value()
        self._headers = settings.headers
        self._session = open_session()
        # A user and no password, as in Stripe's examples; it keeps a .netrc file out of it too.
        self._session.auth = (self._key, "")
        self._session.headers["Stripe-Version"] = API_VERSION

    def get(self, account: str, path: str, **params: Any) -> Object:
        """Read one object or page of an account, which is its name in the column `account`."""
        header = self._headers[account]
        try:
            answer = self._session.get(
                f"{self._base}/v1/{path}",
                params=params,
                headers={"Stripe-Account": header} if header else {},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            self.now = read_time(answer)
            body = answer.json()
        except (RequestException, HTTPError, ValueError) as error:
            raise SourceError(
                f"Stripe gave no answer to {path} ({type(error).__name__}): nothing is lost, the"
                " next run goes on. If it stays so, look at the network and status.stripe.com."
            ) from None
        if answer.status_code != 200:
            raise self._error(path, answer.status_code, body)
        if not isinstance(body, dict):
            raise RefusedError(f"Stripe's answer to {path} is no object: try again later.")
        return body

    def pages(
        self,
        account: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        after: Anchor | None = None,
    ) -> Iterator[list[Object]]:
        """Yield a list page by page, newest first, from an anchor on.

        An anchor that no longer exists is replaced by its time: its second comes once more.
        """
        params = dict(params or {})
        while True:
            try:
                data, more = self._page(account, path, params, after)
            except RefusedError as error:
                if error.parameter != "starting_after" or after is None or after.created is None:
                    raise
                params["created[lte]"] = after.created
                after = None
                continue
            yield data
            if not more:
                return
            after = Anchor(data[-1]["id"], data[-1].get("created"))

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def _page(
        self, account: str, path: str, params: Mapping[str, Any], after: Anchor | None
    ) -> tuple[list[Object], bool]:
        """Return a page, and whether more follow. An empty page that more follow is not the end."""
        start = {"starting_after": after.id} if after else {}
        for _ in range(EMPTY_TRIES):
            page = self.get(account, path, **{"limit": PAGE, **params, **start})
            data, more = page.get("data"), page.get("has_more")
            if not isinstance(data, list) or not isinstance(more, bool):
                raise RefusedError(f"Stripe's answer to {path} is no list: try again later.")
            if data or not more:
                return data, more
        raise RefusedError(
            f"Stripe gives an empty page of {path} and says that more follow: nothing is lost, the"
            " next run tries again."
        )

    def _error(self, path: str, status: int, body: Any) -> SourceError:
        error = body.get("error") if isinstance(body, dict) else None
        error = error if isinstance(error, dict) else {}
        message = str(error.get("message", "no reason given")).replace(self._key, "***")
        if status == 401:
            return SourceError(
                "Stripe does not accept api_key (401): it is wrong, expired or revoked. Set the key"
                " that the dashboard shows under Developers, API keys."
            )
        if status in RETRY.status_forcelist:
            return SourceError(
                f"Stripe answers {path} with {status} again and again ({message}): nothing is"
                " lost, the next run goes on."
            )
        if status == 403:
            lacking = re.search(r"rak_\w+", message)
            permission = f"the permission {lacking[0]}" if lacking else f"read access to {path}"
            return RefusedError(
                f"api_key lacks {permission} (403): add it to the restricted key in Stripe's"
                " dashboard, or leave the table out of `tables`."
            )
        return RefusedError(
            f"Stripe refuses {path} ({status}): {message}",
            is_missing=error.get("code") == "resource_missing",
            parameter=str(error.get("param", "")),
        )
