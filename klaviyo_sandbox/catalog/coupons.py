"""The company's coupons and their codes, a third of which orders use."""

from __future__ import annotations

from klaviyo_sandbox.catalog.seeding import SeededRandom

COUPONS = {"WELCOME10": "10 % off the first order", "SHIPFREE": "Free shipping"}
STATUSES = ("UNASSIGNED", "ASSIGNED_TO_PROFILE", "USED")
BASKETS_PER_CODE = 8


def find_coupon(number: int) -> str:
    """Return the coupon of the code with this number."""
    return list(COUPONS)[number % len(COUPONS)]


def find_status(number: int) -> str:
    """Return the status of the code with this number."""
    return STATUSES[number % len(STATUSES)]


def name_code(seed: int, number: int) -> str:
    """Return the text of the code with this number."""
    return f"{SeededRandom(seed).short_id('code', number)}{number}".upper()


def find_basket_code(basket: int) -> int | None:
    """Return the number of the code that the buyer of a basket enters, or None.

    Every eighth basket has a code, each a different one of those that are used.
    """
    use, other = divmod(basket, BASKETS_PER_CODE)
    return None if other else use * len(STATUSES) + STATUSES.index("USED")
