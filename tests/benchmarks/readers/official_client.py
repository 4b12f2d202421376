"""klaviyo-api, Klaviyo's own client."""

from collections.abc import Callable, Iterator
from typing import Any

from klaviyo_api import KlaviyoAPI  # type: ignore[import-untyped]
from openapi_client.api_arg_options import USE_DICTIONARY_FOR_RESPONSE_DATA
from read import KEY

AS_DICTIONARIES = {USE_DICTIONARY_FOR_RESPONSE_DATA: True}


def events(url: str) -> Iterator[int]:
    """Yield the events of each page."""
    client = KlaviyoAPI(KEY, test_host=url)
    return _pages(
        client.Events.get_events, page_size=1000, sort="datetime", include=["attributions"]
    )


def campaigns(url: str) -> Iterator[int]:
    """Yield the campaigns of each page that Klaviyo lists unasked."""
    return _pages(KlaviyoAPI(KEY, test_host=url).Campaigns.get_campaigns)


def _pages(ask: Callable[..., Any], **wishes: Any) -> Iterator[int]:
    link: str | None = ""
    while link is not None:
        # It takes the cursor out of a link to https; the sandbox's are to http.
        more = {"page_cursor": link.replace("http:", "https:")} if link else {}
        page = ask(**wishes, **more, options=AS_DICTIONARIES)
        yield len(page["data"])
        link = page["links"]["next"]
