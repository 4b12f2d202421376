"""A process that loads a fake Stripe again and again and is killed each time, until one run ends.

It is the worker of tests/core with another source; a request is a step too.
"""

import json
import logging
import sys
from typing import Any

from simplyload.sources.stripe.client import Client
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.source import StripeSource
from tests.core import worker


def main(job: dict[str, Any]) -> int:
    """Kill as the job says, then run to the end; give the number of kills."""
    get, steps = Client.get, logging.getLogger("simplyload.sql")

    def get_as_step(self: Client, account: str, path: str, **params: Any) -> Any:
        steps.debug("request")
        return get(self, account, path, **params)

    Client.get = get_as_step  # type: ignore[method-assign]
    settings = StripeSettings.model_validate(job["source"])
    worker.make_source = lambda *_: StripeSource(settings, "shop")  # type: ignore[assignment]
    return worker.main(job)


if __name__ == "__main__":
    print(main(json.loads(sys.argv[1])))
