"""The facts by subject, each declared beside its check; importing this package declares them."""

from scripts.doctor.checks import events, listings, people, reports, transport
from scripts.doctor.facts import FACTS

__all__ = ["FACTS", "events", "listings", "people", "reports", "transport"]
