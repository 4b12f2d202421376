"""The state of an account far beyond most: made of the state's own parts, with Klaviyo's ids."""

import json
import random
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from state.compression import compress
from state.membership_index import MemberGroup, MembershipIndex, MembershipIndexState
from state.state import MAX_INDEX_LENGTH, AccountState, ReportState, ResourceState
from streams.profiles import ALL_PROFILES

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TODAY = date(2026, 11, 18)
FOUR_YEARS = 4 * 365 * 86_400_000  # milliseconds
GROUPS = (ALL_PROFILES, MemberGroup("list_profile", "WyywGM", ("WyywGM",)))


class BigAccount:
    """What an account with these numbers of records leaves in its state after all its syncs."""

    def __init__(self, *, campaigns: int, flow_messages: int, people: int) -> None:
        self._dice = random.Random(3)
        self._marks = _random_marks(self._dice, 7 * campaigns + 400 * flow_messages)
        self.campaigns = self._ulids(campaigns)
        self.messages = [(self._short_id(), self._short_id()) for _ in range(flow_messages)]
        self.people = self._ulids(people)
        self.state = AccountState("AbC123")
        self._fill_campaigns()
        self._fill_flows()
        self._fill_people()

    def _fill_campaigns(self) -> None:
        """Each campaign has a message, a variation, an audience, a tag and a report row."""
        own = dict.fromkeys(self.campaigns)
        messages, variations, audiences = (self._ulids(len(own)) for _ in range(3))
        self._put_resource("campaign", {
            "campaign": [(id_,) for id_ in own],
            "campaign_audience": [(id_,) for id_ in audiences],
            "campaign_tag": [(id_, "0e9733a0-5c95-44b0-9d99-4dd5c9722c4e") for id_ in own],
        })  # fmt: skip
        self._put_resource("campaign_message", {
            "campaign_message": [(id_,) for id_ in messages],
            "campaign_variation": [(id_,) for id_ in variations],
        })  # fmt: skip
        rows = {_key(id_, id_, "email", "", "fxuMLc"): self._sized_mark() for id_ in own}
        self._put_report("campaign_performance", {key: {"": mark} for key, mark in rows.items()})

    def _fill_flows(self) -> None:
        """Each message sends every day: a row for each day of the daily lookback."""
        self._put_resource("flow", {"flow_message": [(id_,) for _, id_ in self.messages]})
        days = [(TODAY - timedelta(days=n)).isoformat() for n in range(367)]
        keys = [_key(*ids, "email", self._short_id(), "fxuMLc") for ids in self.messages]
        self._put_report("flow_performance", {key: {"": self._mark()} for key in keys})
        daily = {key: {day: self._mark() for day in days} for key in keys}
        self._put_report("flow_performance_daily", daily)

    def _fill_people(self) -> None:
        """Everybody is a profile, and most are in the newsletter's list."""
        groups = {str(at): (g.table, g.listing, *g.key) for at, g in enumerate(GROUPS)}
        self.members = {person: 3 if self._dice.random() < 0.7 else 1 for person in self.people}
        packed = compress(json.dumps(self.members))
        self.state.index = MembershipIndex(
            MembershipIndexState(people=packed, groups=groups), MAX_INDEX_LENGTH
        )

    def put_coupon_codes(self, codes: int) -> None:
        """Add a coupon with this many codes of ten letters and digits."""
        self._marks = _random_marks(self._dice, codes)
        texts = ("".join(self._dice.choices(ALPHABET, k=10)) for _ in range(codes))
        self._put_resource("coupon_code", {"coupon_code": [(f"SUMMER-{text}",) for text in texts]})

    def _put_resource(self, stream: str, keys: dict[str, list[tuple[str, ...]]]) -> None:
        digests = {name: {_key(*key): self._mark() for key in own} for name, own in keys.items()}
        now = datetime(2026, 11, 18, 12, tzinfo=UTC)
        self.state.resources[stream] = ResourceState(
            watermark=now, full_refresh_on=TODAY, digests=digests
        )

    def _put_report(self, table: str, digests: dict[str, dict[str, str]]) -> None:
        report = ReportState(daily_lookback_on=TODAY, full_refresh_on=TODAY, digests=digests)
        self.state.reports[table] = {"fxuMLc": report}

    def _mark(self) -> str:
        return next(self._marks)

    def _sized_mark(self) -> str:
        return f"{self._mark()}:{self._dice.randrange(1, 200_000)}"

    def _short_id(self) -> str:
        return "".join(self._dice.choices(ALPHABET + ALPHABET.lower(), k=6))

    def _ulids(self, count: int) -> list[str]:
        """Ids like Klaviyo's of records created over four years."""
        made = sorted(self._dice.randrange(FOUR_YEARS) for _ in range(count))
        numbers = ((1_640_995_200_000 + at) << 80 | self._dice.getrandbits(80) for at in made)
        return ["".join(ALPHABET[n >> 5 * i & 31] for i in range(25, -1, -1)) for n in numbers]


def _random_marks(dice: random.Random, count: int) -> Iterator[str]:
    text = b64encode(dice.randbytes(6 * count)).decode()
    return (text[at : at + 8] for at in range(0, len(text), 8))


def _key(*values: str) -> str:
    return json.dumps(values, separators=(",", ":"))
