"""The people of the account: who they are, when they are created and what they consent to.

One position in every array is one person. People are sorted by the moment of their creation, so a
person's number never changes. Addresses contain ``+sandbox`` and telephone numbers the unassigned
area code 555, so that none belongs to a real person.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.catalog.seeding import ulid
from klaviyo_sandbox.clock import DAY, HOUR

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms", "push", "whatsapp")
NEVER: Final = np.iinfo(np.int64).max
MAX_AGE: Final = 900 * DAY  # of the oldest profile when the history begins
EXISTING_SHARE: Final = 0.55  # of all people, created before the history begins
FORM_SHARE: Final = 0.65  # of newcomers, created by a sign-up form
UNSUBSCRIBED_SHARE: Final = 0.12  # of existing people, unsubscribed before the history begins
# The share of people who consent to a channel without a list.
CONSENT_SHARES: Final[dict[Channel, float]] = {"sms": 0.3, "push": 0.18, "whatsapp": 0.06}


class Mailbox(NamedTuple):
    """A mail domain, the provider behind it, its share of people and of Apple Mail users."""

    domain: str
    provider: str
    share: float
    apple: float
    scans_links: bool = False


MAILBOXES: Final = (
    Mailbox("gmail.com", "Gmail", 0.47, 0.42),
    Mailbox("icloud.com", "Apple", 0.10, 0.92),
    Mailbox("me.com", "Apple", 0.03, 0.90),
    Mailbox("yahoo.com", "Yahoo", 0.12, 0.38),
    Mailbox("hotmail.com", "Outlook", 0.08, 0.30),
    Mailbox("outlook.com", "Outlook", 0.06, 0.30),
    Mailbox("aol.com", "AOL", 0.04, 0.28),
    Mailbox("comcast.net", "Comcast", 0.03, 0.30),
    Mailbox("proton.me", "Proton", 0.02, 0.20),
    Mailbox("hartley-partners.example", "Google Workspace", 0.03, 0.35),
    Mailbox("kestrel-engineering.example", "Microsoft 365", 0.02, 0.15, scans_links=True),
)


class Client(NamedTuple):
    """The program that opens a person's e-mail, in the words of Klaviyo's event properties."""

    name: str
    kind: str
    system: str

    @property
    def properties(self) -> dict[str, str]:
        """The event properties of the program."""
        return {
            "Client Name": self.name,
            "Client Canonical": self.name,
            "Client Type": self.kind,
            "Client OS": self.system,
        }


APPLE_CLIENTS: Final = 2  # the first ones of CLIENTS are Apple Mail
CLIENTS: Final = (
    Client("Apple Mail", "Mobile", "iOS"),
    Client("Apple Mail", "Desktop", "macOS"),
    Client("Gmail", "Mobile", "Android"),
    Client("Gmail", "Webmail", "Chrome OS"),
    Client("Outlook", "Desktop", "Windows"),
    Client("Yahoo Mail", "Webmail", "Windows"),
)


class City(NamedTuple):
    """A place where people live."""

    city: str
    region: str
    country: str
    zip: str
    timezone: str
    latitude: float
    longitude: float


CITIES: Final = (
    City("Boston", "Massachusetts", "United States", "02116", "America/New_York", 42.35, -71.08),
    City("Brooklyn", "New York", "United States", "11215", "America/New_York", 40.66, -73.98),
    City("Asheville", "North Carolina", "United States", "28801", "America/New_York", 35.6, -82.55),
    City("Montréal", "Quebec", "Canada", "H2T 1S4", "America/Toronto", 45.52, -73.6),
    City("Chicago", "Illinois", "United States", "60614", "America/Chicago", 41.92, -87.65),
    City("Austin", "Texas", "United States", "78704", "America/Chicago", 30.24, -97.77),
    City("Boulder", "Colorado", "United States", "80302", "America/Denver", 40.02, -105.28),
    City("Bend", "Oregon", "United States", "97701", "America/Los_Angeles", 44.06, -121.3),
    City("Seattle", "Washington", "United States", "98103", "America/Los_Angeles", 47.67, -122.34),
    City("Oakland", "California", "United States", "94610", "America/Los_Angeles", 37.81, -122.24),
)
# The hours by which the clocks of a zone are behind the company's.
HOURS_BEHIND: Final = {
    "America/New_York": 0,
    "America/Toronto": 0,
    "America/Chicago": 1,
    "America/Denver": 2,
    "America/Los_Angeles": 3,
}
FIRST_NAMES: Final = (
    "Olivia Liam Emma Noah Amelia Oliver Sophia Elijah Isabella James Ava Mateo Mia Lucas Evelyn "
    "Henry Luna Theo Harper Jack Camila Levi Zoë José Chloé Björn Renée Siân Łucja Nuño Aisha "
    "Kenji Priya Dmitri Fatima Anders Wei Leilani Marcus Ingrid"
).split()
LAST_NAMES: Final = (
    "Smith Johnson Williams Brown Jones García Miller Davis Rodríguez Martínez Hernández López "
    "Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Pérez Thompson White Harris "
    "Sánchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Nguyen O'Brien "
    "Müller Østergaard"
).split()
REASONS: Final = ("UNSUBSCRIBE", "HARD_BOUNCE", "SPAM_COMPLAINT")
ID_FACTOR: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that products are distinct


@dataclass
class People:
    """Arrays with one position per person; the matrices have one row per list or channel.

    ``joined_at`` and ``left_at`` are the moments people join and leave each list, ``consented_at``
    and ``withdrawn_at`` those at which their consent to a channel begins and ends (or NEVER).
    The simulation updates ``withdrawn_at`` and ``reason`` as people act.
    """

    created: Ints
    ids: list[str]
    first: Ints
    last: Ints
    city: Ints
    mailbox: Ints
    client: Ints
    birthday: Ints  # days after New Year
    engagement: Floats
    interest: Floats
    form_version: Ints  # position among the versions of all forms, -1 for none
    joined_at: Ints
    left_at: Ints
    consented_at: Ints
    withdrawn_at: Ints
    reason: Ints  # position in REASONS: why the consent to e-mail ended

    def __len__(self) -> int:
        return len(self.created)

    @property
    def lag(self) -> Ints:
        """The seconds by which each person's clock is behind the company's."""
        return np.array([HOUR * HOURS_BEHIND[city.timezone] for city in CITIES])[self.city]

    @property
    def emails(self) -> list[str]:
        """The address of each person."""
        return [self.email(person) for person in range(len(self))]

    def email(self, person: int) -> str:
        """Return a person's address."""
        name = f"{FIRST_NAMES[self.first[person]]}.{LAST_NAMES[self.last[person]]}"
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        local = plain.replace("'", "").lower()
        return f"{local}+sandbox{person}@{MAILBOXES[self.mailbox[person]].domain}"

    def phone(self, person: int, now: int) -> str | None:
        """Return a person's number, None if it is not given by ``now``."""
        given_at = self.consented_at[
            [CHANNELS.index("sms"), CHANNELS.index("whatsapp")], person
        ].min()
        return f"+1555{person:07d}" if given_at <= now else None

    def has_consent(self, channel: int, person: Ints, at: Ints) -> Bools:
        """Return which people consent to the channel at the moments ``at``."""
        consented_at, withdrawn_at = (
            self.consented_at[channel, person],
            self.withdrawn_at[channel, person],
        )
        has_consent: Bools = (consented_at <= at) & (at < withdrawn_at)
        return has_consent

    def withdraw_consent(self, channel: int, person: Ints, at: Ints, reason: str) -> None:
        """End the people's consent to a channel, unless it ends earlier."""
        is_earlier = at < self.withdrawn_at[channel, person]
        # ufunc.at, because a person may occur twice among the events.
        np.minimum.at(self.withdrawn_at[channel], person, at)
        if channel == CHANNELS.index("email"):
            self.reason[person[is_earlier]] = REASONS.index(reason)


def set_unengaged(people: People, share: float) -> None:
    """Let a share of the people neither open nor click, nor visit the shop."""
    is_unengaged = np.arange(len(people)) % 100 < 100 * share
    people.engagement[is_unengaged] = 0
    people.interest[is_unengaged] = 0


def generate_people(
    company: Company, count: int, start: int, end: int, rng: np.random.Generator
) -> People:
    """Return ``count`` people created until ``end``, more than half of them before ``start``."""
    created = _draw_creation_times(count, start, end, rng)
    mailbox = rng.choice(len(MAILBOXES), count, p=_normalize([box.share for box in MAILBOXES]))
    form_version = _draw_form_versions(company, created, start, rng)
    joined_at = _draw_joins(company, created, form_version, rng)
    consented_at = _draw_consents(company, created, joined_at, rng)
    withdrawn_at = np.full_like(consented_at, NEVER)
    is_unsubscribed = rng.random(count) < UNSUBSCRIBED_SHARE
    is_unsubscribed &= (created < start) & (consented_at[0] < start)
    withdrawn_at[0, is_unsubscribed] = rng.integers(consented_at[0, is_unsubscribed], start)
    return People(
        created=created,
        ids=[_profile_id(at, number) for number, at in enumerate(created.tolist())],
        first=rng.integers(0, len(FIRST_NAMES), count),
        last=rng.integers(0, len(LAST_NAMES), count),
        city=rng.integers(0, len(CITIES), count),
        mailbox=mailbox.astype(np.int64),
        client=_draw_clients(mailbox, rng),
        birthday=rng.integers(0, 365, count),
        # Gamma distributions of mean 1: few people are very active, many hardly at all.
        engagement=rng.gamma(1.4, 1 / 1.4, count),
        interest=rng.gamma(0.8, 1 / 0.8, count),
        form_version=form_version,
        joined_at=joined_at,
        left_at=_draw_removals(joined_at, end, rng),
        consented_at=consented_at,
        withdrawn_at=withdrawn_at,
        reason=np.zeros(count, np.int64),
    )


def _profile_id(created: int, number: int) -> str:
    return ulid(created * 1_000 + number % 1_000, (number + 1) * ID_FACTOR)


def _normalize(weights: list[float]) -> Floats:
    shares: Floats = np.array(weights) / sum(weights)
    return shares


def _draw_clients(mailbox: Ints, rng: np.random.Generator) -> Ints:
    apple = rng.random(len(mailbox)) < np.array([box.apple for box in MAILBOXES])[mailbox]
    others = rng.integers(APPLE_CLIENTS, len(CLIENTS), len(mailbox))
    return np.where(apple, rng.integers(0, APPLE_CLIENTS, len(mailbox)), others)


def _draw_creation_times(count: int, start: int, end: int, rng: np.random.Generator) -> Ints:
    # The exponents bend both spans towards recent growth: more people are young than old.
    existing = round(count * EXISTING_SHARE)
    before = start - (MAX_AGE * rng.random(existing) ** 1.5).astype(np.int64) - 1
    after = start + ((end - start) * rng.random(count - existing) ** 0.9).astype(np.int64)
    return np.sort(np.concatenate([before, after]))


def _draw_form_versions(
    company: Company, created: Ints, start: int, rng: np.random.Generator
) -> Ints:
    """Return the version of a live form that created each newcomer, -1 for none."""
    versions = [(form, version) for form in company.forms for version in form.versions]
    shares = _normalize([version.share for _, version in versions])
    choice = rng.choice(len(versions), len(created), p=shares)
    live_from = [NEVER if form.live_from is None else form.live_from for form, _ in versions]
    by_form = (rng.random(len(created)) < FORM_SHARE) & (created >= start)
    by_form &= np.array(live_from)[choice] <= created
    return np.where(by_form, choice, -1)


def _draw_joins(
    company: Company, created: Ints, form_version: Ints, rng: np.random.Generator
) -> Ints:
    """Return when each person joins each list: by a form on creation, otherwise within weeks."""
    joined_at = np.full((len(company.lists), len(created)), NEVER)
    list_ids = np.array([form.list_id for form in company.forms for _ in form.versions])
    for row, group in enumerate(company.lists):
        later = created + rng.exponential(12 * DAY, len(created)).astype(np.int64)
        joins = rng.random(len(created)) < group.share
        joined_at[row, joins] = np.maximum(later, group.created)[joins]
        by_form = (form_version >= 0) & (list_ids[form_version] == group.id)
        joined_at[row, by_form] = created[by_form] + 20
    return joined_at


def _draw_consents(
    company: Company, created: Ints, joined_at: Ints, rng: np.random.Generator
) -> Ints:
    """Return when each person consents to each channel: on joining the first list of it."""
    consented_at = np.full((len(CHANNELS), len(created)), NEVER)
    for row, channel in enumerate(CHANNELS):
        rows = [i for i, group in enumerate(company.lists) if group.channel == channel]
        if rows:
            consented_at[row] = joined_at[rows].min(axis=0)
        else:
            consents = rng.random(len(created)) < CONSENT_SHARES.get(channel, 0.0)
            consented_at[row, consents] = created[consents] + rng.integers(
                DAY, 30 * DAY, consents.sum()
            )
    return consented_at


def _draw_removals(joined_at: Ints, end: int, rng: np.random.Generator) -> Ints:
    """Return when each person leaves each list; one member in 66 is ever removed."""
    left_at = np.full_like(joined_at, NEVER)
    leaves = (rng.random(joined_at.shape) < 0.015) & (joined_at < end - DAY)
    left_at[leaves] = rng.integers(joined_at[leaves] + DAY // 2, end)
    return left_at
