"""A process that loads a fake Salesforce again and again and is killed each time, until one ends.

It is the worker of tests/core with another source; a request is a step too.
"""

import json
import logging
import sys
from typing import Any

from simplyload.sources.salesforce.client import Client
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.salesforce.source import SalesforceSource
from tests.core import worker


def main(job: dict[str, Any]) -> int:
    """Kill as the job says, then run to the end; give the number of kills."""
    ask, steps = Client._ask, logging.getLogger("simplyload.sql")  # noqa: SLF001

    def ask_as_step(self: Client, *arguments: Any) -> Any:
        steps.debug("request")
        return ask(self, *arguments)

    Client._ask = ask_as_step  # type: ignore[assignment,method-assign] # noqa: SLF001
    settings = SalesforceSettings.model_validate(job["source"])
    worker.make_source = lambda *_: SalesforceSource(settings, "shop")  # type: ignore[assignment]
    return worker.main(job)


if __name__ == "__main__":
    print(main(json.loads(sys.argv[1])))
