"""People as the API shows them: ``profile`` resources with consent and forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.jsonapi import Json, iso
from klaviyo_sandbox.simulation.events import Events
from klaviyo_sandbox.simulation.population import (
    CHANNELS,
    CITIES,
    FIRST_NAMES,
    LAST_NAMES,
    NEVER,
    REASONS,
    Floats,
    Ints,
    People,
)


@dataclass(frozen=True)
class Activity:
    """What everybody has visibly done by ``now``; times mean nothing where there is none."""

    now: int
    last_event: Ints
    last_shown: Ints  # when the newest of their events came to be seen
    last_order: Ints
    first_order: Ints
    orders: Ints
    spent: Floats


class Consent(NamedTuple):
    """How somebody stands to a channel: since when they are in it, or have left it."""

    status: str
    since: str | None
    allowed: bool
    method: str | None


NOBODY_ASKED = Consent("NEVER_SUBSCRIBED", None, allowed=False, method=None)


def profiles(company: Company, people: People, events: Events, now: int) -> list[Json]:
    """Return the ``profile`` resources of those who have come by ``now``, as they stand then."""
    activity = _activity(company, people, events, now)
    changes = np.concatenate([people.agreed, people.withdrawn, people.left])
    changed = np.where(changes <= now, changes, 0).max(axis=0)
    updated = np.maximum.reduce([people.created, activity.last_shown, changed])
    rows = np.flatnonzero(people.created <= now)
    moments = zip(rows.tolist(), updated[rows].tolist(), strict=True)
    return [_profile(company, people, person, at, activity) for person, at in moments]


def _activity(company: Company, people: People, events: Events, now: int) -> Activity:
    """Return what everybody has visibly done by now; what is dated ahead does not count."""
    done, count = (events.seen <= now) & (events.at <= now) & (events.person >= 0), len(people)
    orders = np.flatnonzero(done & (events.metric == company.code("Placed Order")))
    buyer, at = events.person[orders], events.at[orders]
    last_event, last_shown, last_order = np.zeros((3, count), np.int64)
    np.maximum.at(last_event, events.person[done], events.at[done])
    np.maximum.at(last_shown, events.person[done], np.maximum(events.at, events.seen)[done])
    np.maximum.at(last_order, buyer, at)
    first_order = np.full(count, NEVER)
    np.minimum.at(first_order, buyer, at)
    spent: Floats = np.bincount(buyer, events.value[orders], count).astype(float)
    orders_each = np.bincount(buyer, None, count)
    return Activity(now, last_event, last_shown, last_order, first_order, orders_each, spent)


def _profile(
    company: Company, people: People, person: int, updated: int, activity: Activity
) -> Json:
    now = activity.now
    city, last_event = CITIES[people.city[person]], int(activity.last_event[person])
    location = dict.fromkeys(("address1", "address2", "ip")) | city._asdict()
    return {
        "type": "profile",
        "id": people.ids[person],
        "attributes": {
            "email": people.email(person),
            "phone_number": people.phone(person, now),
            "external_id": f"C-{100_000 + person}" if activity.orders[person] else None,
            "first_name": FIRST_NAMES[people.first[person]],
            "last_name": LAST_NAMES[people.last[person]],
            "organization": None,
            "locale": "fr-CA" if city.country == "Canada" else "en-US",
            "title": None,
            "image": None,
            "created": iso(int(people.created[person])),
            "updated": iso(updated),
            "last_event_date": iso(last_event) if last_event else None,
            "location": location,
            "properties": _properties(people, person),
            "subscriptions": _subscriptions(company, people, person, now),
            "predictive_analytics": _prediction(person, activity),
        },
        "relationships": {},
    }


def _properties(people: People, person: int) -> Json:
    birthday = datetime.fromtimestamp(int(people.birthday[person]) * DAY, UTC)
    properties: Json = {"Birthday": f"{birthday:%m-%d}"}
    if person % 5 == 0:
        properties["Favourite things"] = ["☕ coffee", 'long "walks"', "naïve art"]
    return properties


def _consent(people: People, channel: Channel, person: int, now: int) -> Consent:
    number = CHANNELS.index(channel)
    agreed, withdrawn = int(people.agreed[number, person]), int(people.withdrawn[number, person])
    if withdrawn <= now:
        return Consent("UNSUBSCRIBED", iso(withdrawn), allowed=False, method=None)
    if agreed > now:
        # E-mail may be sent without consent as long as nothing suppresses the address.
        return Consent("NEVER_SUBSCRIBED", None, allowed=channel == "email", method=None)
    by_form = channel in ("email", "sms") and people.form_version[person] >= 0
    return Consent("SUBSCRIBED", iso(agreed), allowed=True, method="FORM" if by_form else "API")


def _subscriptions(company: Company, people: People, person: int, now: int) -> Json:
    """Return the consents, each channel with the fields of its own that Klaviyo gives it."""
    email, sms, push, whatsapp = (_consent(people, channel, person, now) for channel in CHANNELS)
    phone = people.phone(person, now) if whatsapp.allowed else None
    marketing = _email_consent(email, REASONS[people.reason[person]])
    return {
        "email": {
            "marketing": marketing
            | {"list_suppressions": _list_suppressions(company, people, person, now)}
        },
        "sms": {
            "marketing": _by_method(sms) | {"can_receive_sms_marketing": sms.allowed},
            "transactional": _by_method(sms) | {"can_receive_sms_transactional": sms.allowed},
        },
        "mobile_push": {
            "marketing": {
                "consent": push.status,
                "consent_timestamp": push.since,
                "can_receive_push_marketing": push.allowed,
            }
        },
        "whatsapp": {
            "marketing": _whatsapp(whatsapp, phone),
            "transactional": _whatsapp(whatsapp, phone),
            "conversational": _whatsapp(NOBODY_ASKED, None),
        },
    }


def _list_suppressions(company: Company, people: People, person: int, now: int) -> list[Json]:
    """Return the e-mail lists that somebody has left: they bar the person's mail."""
    left = zip(company.lists, people.left[:, person].tolist(), strict=True)
    return [
        {"list_id": group.id, "reason": "UNSUBSCRIBE", "timestamp": iso(at)}
        for group, at in left
        if group.channel == "email" and at <= now
    ]


def _whatsapp(consent: Consent, phone: str | None) -> Json:
    return _dated(consent) | {
        "can_receive": consent.allowed,
        "created_timestamp": consent.since,
        "metadata": None,
        "valid_until": None,
        "phone_number": phone,
    }


def _email_consent(email: Consent, reason: str) -> Json:
    suppression = [{"reason": reason, "timestamp": email.since}]
    return _by_method(email) | {
        "can_receive_email_marketing": email.allowed,
        "custom_method_detail": None,
        "double_optin": email.status == "SUBSCRIBED",
        "suppression": suppression if email.status == "UNSUBSCRIBED" else [],
    }


def _by_method(consent: Consent) -> Json:
    return _dated(consent) | {"method": consent.method, "method_detail": ""}


def _dated(consent: Consent) -> Json:
    return {
        "consent": consent.status,
        "consent_timestamp": consent.since,
        "last_updated": consent.since,
    }


def _prediction(person: int, activity: Activity) -> Json | None:
    """Return simple forecasts from the visible orders; None for someone who never ordered."""
    orders, spent = int(activity.orders[person]), float(activity.spent[person])
    if not orders:
        return None
    first, last = int(activity.first_order[person]), int(activity.last_order[person])
    between = (last - first) / DAY / (orders - 1) if orders > 1 else None
    usual = between or 180.0
    stays = 2.0 ** -((activity.now - last) / DAY / usual)
    ahead = 365 / usual * stays
    return {
        "historic_clv": round(spent, 2),
        "predicted_clv": round(ahead * spent / orders, 2),
        "total_clv": round(spent + ahead * spent / orders, 2),
        "historic_number_of_orders": orders,
        "predicted_number_of_orders": round(ahead, 2),
        "average_days_between_orders": between and round(between, 1),
        "average_order_value": round(spent / orders, 2),
        "churn_probability": round(1 - stays, 3),
        "expected_date_of_next_order": iso(last + int(usual * DAY)),
        "ranked_channel_affinity": list(CHANNELS),
    }
