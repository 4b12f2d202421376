"""`make sync`: a real Klaviyo account into a warehouse file and dashboard on this machine.

Reads KLAVIYO_API_KEY, and optionally KLAVIYO_START_DATE, KLAVIYO_TABLES,
KLAVIYO_CONVERSION_METRICS, KLAVIYO_EVENT_METRICS and KLAVIYO_CONCURRENCY, from the environment.
"""

import os
import sys

from scripts import steps

PLACE = steps.Place(
    steps.ROOT / "build" / "account",
    steps.ROOT / "build" / "account" / "warehouse.duckdb",
    steps.ROOT / "build" / "account" / "dashboard.html",
)
SETTINGS = (
    "api_key",
    "start_date",
    "tables",
    "conversion_metrics",
    "event_metrics",
    "concurrency",
)


def main() -> int:
    """Run every step; the exit code is 0 only if all of them did what they say."""
    given = {name: os.environ.get(f"KLAVIYO_{name.upper()}", "") for name in SETTINGS}
    if not given["api_key"]:
        print("KLAVIYO_API_KEY is not set: KLAVIYO_API_KEY=pk_... make sync", file=sys.stderr)
        return 2
    try:
        with steps.step("Syncing the account with `fivetran debug`"):
            steps.sync(PLACE, {name: value for name, value in given.items() if value}, {})
        steps.present(PLACE)
    except steps.StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\n{steps.summary(PLACE)}\n")
    print(f"Open {PLACE.dashboard.relative_to(steps.ROOT)} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
