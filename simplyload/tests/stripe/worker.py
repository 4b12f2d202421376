"""A process that loads a fake Stripe again and again and is killed each time, until one run ends.

It is the worker of tests/core with another source; a request is a step too.
"""

import json
import sys

from simplyload.sources.stripe.client import Client
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.source import StripeSource
from tests.web_source import load_with_kills

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    settings = StripeSettings.model_validate(job["source"])
    print(load_with_kills(job, Client, "get", lambda: StripeSource(settings, "shop")))
