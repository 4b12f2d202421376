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
    """Yield the campaigns of each page that Klaviyo lists without a filter."""
    return _pages(KlaviyoAPI(KEY, test_host=url).Campaigns.get_campaigns)


def _pages(request: Callable[..., Any], **parameters: Any) -> Iterator[int]:
    link: str | None = ""
    while link is not None:
        # It reads the cursor only from a link with https; the sandbox's have http.
        more = {"page_cursor": link.replace("http:", "https:")} if link else {}
        page = request(**parameters, **more, options=AS_DICTIONARIES)
        yield len(page["data"])
        link = page["links"]["next"]
