"""A process that loads a fake Salesforce again and again and is killed each time, until one ends.

It is the worker of tests/core with another source; a request is a step too.
"""

import json
import sys

from simplyload.sources.salesforce.client import Client
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.salesforce.source import SalesforceSource
from tests.web_source import load_with_kills

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    settings = SalesforceSettings.model_validate(job["source"])
    print(load_with_kills(job, Client, "_ask", lambda: SalesforceSource(settings, "shop")))
