"""The people of the account: who they are, when they came and what they agreed to.

One position in every array is one person. People are sorted by the moment they came, so a
person's number never changes. Addresses carry ``+sandbox`` and telephone numbers the unassigned
area code 555, so that none belongs to anybody.
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
PAST: Final = 900 * DAY  # the oldest profile came this long before the history begins
ALREADY_THERE: Final = 0.55  # the part of all people who came before the history begins
BY_FORM: Final = 0.65  # the part of newcomers who came through a sign-up form
EARLIER_LEAVERS: Final = 0.12  # the part of the older people who had left e-mail before
WITHOUT_LIST: Final[dict[Channel, float]] = {"sms": 0.3, "push": 0.18, "whatsapp": 0.06}


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
    """What opens somebody's e-mail, in the words of Klaviyo's event properties."""

    name: str
    kind: str
    system: str

    @property
    def properties(self) -> dict[str, str]:
        """As events carry it."""
        return {
            "Client Name": self.name,
            "Client Canonical": self.name,
            "Client Type": self.kind,
            "Client OS": self.system,
        }


APPLE_CLIENTS: Final = 2  # the first so many are Apple Mail
CLIENTS: Final = (
    Client("Apple Mail", "Mobile", "iOS"),
    Client("Apple Mail", "Desktop", "macOS"),
    Client("Gmail", "Mobile", "Android"),
    Client("Gmail", "Webmail", "Chrome OS"),
    Client("Outlook", "Desktop", "Windows"),
    Client("Yahoo Mail", "Webmail", "Windows"),
)


class City(NamedTuple):
    """Where people live."""

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
# By how many hours clocks are behind those of the company.
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
MIXING: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that different people stay so


@dataclass
class People:
    """Arrays with one position per person; the matrices have one row per list or channel.

    ``joined`` and ``left`` are the moments people join and leave each list, ``agreed`` and
    ``withdrawn`` the moments their consent to each channel begins and ends (NEVER: not at all).
    Whoever makes people act moves ``left``, ``withdrawn`` and ``reason`` forward.
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
    joined: Ints
    left: Ints
    agreed: Ints
    withdrawn: Ints
    reason: Ints  # position in REASONS: why e-mail consent ended

    def __len__(self) -> int:
        return len(self.created)

    @property
    def lag(self) -> Ints:
        """By how many seconds everybody's clock is behind the company's."""
        return np.array([HOUR * HOURS_BEHIND[city.timezone] for city in CITIES])[self.city]

    @property
    def emails(self) -> list[str]:
        """Everybody's address."""
        return [self.email(person) for person in range(len(self))]

    def email(self, person: int) -> str:
        """Return a person's address."""
        name = f"{FIRST_NAMES[self.first[person]]}.{LAST_NAMES[self.last[person]]}"
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        local = plain.replace("'", "").lower()
        return f"{local}+sandbox{person}@{MAILBOXES[self.mailbox[person]].domain}"

    def phone(self, person: int, now: int) -> str | None:
        """Return a person's number, None for who has not given it by ``now``."""
        given = self.agreed[[CHANNELS.index("sms"), CHANNELS.index("whatsapp")], person].min()
        return f"+1555{person:07d}" if given <= now else None

    def consents(self, channel: int, person: Ints, at: Ints) -> Bools:
        """Tell who accepts messages of the channel at the moments ``at``."""
        agreed, withdrawn = self.agreed[channel, person], self.withdrawn[channel, person]
        accepts: Bools = (agreed <= at) & (at < withdrawn)
        return accepts

    def withdraw(self, channel: int, person: Ints, at: Ints, reason: str) -> None:
        """End the people's consent to a channel, unless it has ended sooner."""
        sooner = at < self.withdrawn[channel, person]
        np.minimum.at(self.withdrawn[channel], person, at)
        if channel == CHANNELS.index("email"):
            self.reason[person[sooner]] = REASONS.index(reason)


def settle(company: Company, count: int, start: int, end: int, rng: np.random.Generator) -> People:
    """Return ``count`` people who come until ``end``, more than half of them before ``start``."""
    created = _arrivals(count, start, end, rng)
    mailbox = rng.choice(len(MAILBOXES), count, p=_normal([box.share for box in MAILBOXES]))
    form_version = _form_versions(company, created, start, rng)
    joined = _joins(company, created, form_version, rng)
    agreed = _consents(company, created, joined, rng)
    withdrawn = np.full_like(agreed, NEVER)
    left_before = (created < start) & (rng.random(count) < EARLIER_LEAVERS) & (agreed[0] < start)
    withdrawn[0, left_before] = rng.integers(agreed[0, left_before], start)
    return People(
        created=created,
        ids=[_id(at, number) for number, at in enumerate(created.tolist())],
        first=rng.integers(0, len(FIRST_NAMES), count),
        last=rng.integers(0, len(LAST_NAMES), count),
        city=rng.integers(0, len(CITIES), count),
        mailbox=mailbox.astype(np.int64),
        client=_clients(mailbox, rng),
        birthday=rng.integers(0, 365, count),
        engagement=rng.gamma(1.4, 1 / 1.4, count),
        interest=rng.gamma(0.8, 1 / 0.8, count),
        form_version=form_version,
        joined=joined,
        left=_removals(joined, end, rng),
        agreed=agreed,
        withdrawn=withdrawn,
        reason=np.zeros(count, np.int64),
    )


def _id(created: int, number: int) -> str:
    return ulid(created * 1_000 + number % 1_000, (number + 1) * MIXING)


def _normal(weights: list[float]) -> Floats:
    shares: Floats = np.array(weights) / sum(weights)
    return shares


def _clients(mailbox: Ints, rng: np.random.Generator) -> Ints:
    apple = rng.random(len(mailbox)) < np.array([box.apple for box in MAILBOXES])[mailbox]
    others = rng.integers(APPLE_CLIENTS, len(CLIENTS), len(mailbox))
    return np.where(apple, rng.integers(0, APPLE_CLIENTS, len(mailbox)), others)


def _arrivals(count: int, start: int, end: int, rng: np.random.Generator) -> Ints:
    older = round(count * ALREADY_THERE)
    before = start - (PAST * rng.random(older) ** 1.5).astype(np.int64) - 1
    after = start + ((end - start) * rng.random(count - older) ** 0.9).astype(np.int64)
    return np.sort(np.concatenate([before, after]))


def _form_versions(company: Company, created: Ints, start: int, rng: np.random.Generator) -> Ints:
    """Return through which version of a form, live by then, each newcomer came."""
    versions = [(form, version) for form in company.forms for version in form.versions]
    shares = _normal([version.share for _, version in versions])
    choice = rng.choice(len(versions), len(created), p=shares)
    live_from = [NEVER if form.live_from is None else form.live_from for form, _ in versions]
    came = (rng.random(len(created)) < BY_FORM) & (created >= start)
    came &= np.array(live_from)[choice] <= created
    return np.where(came, choice, -1)


def _joins(company: Company, created: Ints, form_version: Ints, rng: np.random.Generator) -> Ints:
    """Return when each person joins each list: by a form on arrival, otherwise within weeks."""
    joined = np.full((len(company.lists), len(created)), NEVER)
    by_form = np.array([form.list_id for form in company.forms for _ in form.versions])
    for row, group in enumerate(company.lists):
        later = created + rng.exponential(12 * DAY, len(created)).astype(np.int64)
        joins = rng.random(len(created)) < group.share
        joined[row, joins] = np.maximum(later, group.created)[joins]
        came = (form_version >= 0) & (by_form[form_version] == group.id)
        joined[row, came] = created[came] + 20
    return joined


def _consents(company: Company, created: Ints, joined: Ints, rng: np.random.Generator) -> Ints:
    """Return when each person agrees to each channel: on joining the first list of it."""
    agreed = np.full((len(CHANNELS), len(created)), NEVER)
    for row, channel in enumerate(CHANNELS):
        rows = [i for i, group in enumerate(company.lists) if group.channel == channel]
        if rows:
            agreed[row] = joined[rows].min(axis=0)
        else:
            agrees = rng.random(len(created)) < WITHOUT_LIST.get(channel, 0.0)
            agreed[row, agrees] = created[agrees] + rng.integers(DAY, 30 * DAY, agrees.sum())
    return agreed


def _removals(joined: Ints, end: int, rng: np.random.Generator) -> Ints:
    """Return when each person leaves each list; one member in 66 is ever taken off one."""
    left = np.full_like(joined, NEVER)
    leaves = (rng.random(joined.shape) < 0.015) & (joined < end - DAY)
    left[leaves] = rng.integers(joined[leaves] + DAY // 2, end)
    return left
