"""People as ``profile`` resources, with consent and predictive analytics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from klaviyo_sandbox.catalog.model import Company
from klaviyo_sandbox.catalog.plan import Channel
from klaviyo_sandbox.clock import DAY
from klaviyo_sandbox.jsonapi import Json, to_iso
from klaviyo_sandbox.simulation.events import EventStore
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
    """What each person has visibly done by ``now``; a time without an event is meaningless."""

    now: int
    last_event: Ints
    last_shown: Ints  # when the newest of their events became visible
    last_order: Ints
    first_order: Ints
    orders: Ints
    spent: Floats


class Consent(NamedTuple):
    """A person's consent to a channel; ``since`` is when it began, or ended."""

    status: str
    since: str | None
    allowed: bool
    method: str | None


PREDICTIONS = (
    "historic_clv predicted_clv total_clv historic_number_of_orders predicted_number_of_orders"
    " average_days_between_orders average_order_value churn_probability"
    " expected_date_of_next_order ranked_channel_affinity"
).split()
NO_CONSENT = Consent("NEVER_SUBSCRIBED", None, allowed=False, method=None)


def build_profiles(company: Company, people: People, events: EventStore, now: int) -> list[Json]:
    """Return the ``profile`` resources that exist at ``now``."""
    activity = _measure_activity(company, people, events, now)
    # A profile is updated by its events, as they become visible, and by changes of its consents.
    changes = np.concatenate([people.consented_at, people.withdrawn_at, people.left_at])
    changed = np.where(changes <= now, changes, 0).max(axis=0)
    updated = np.maximum.reduce([people.created, activity.last_shown, changed])
    rows = np.flatnonzero(people.created <= now)
    update_times = zip(rows.tolist(), updated[rows].tolist(), strict=True)
    return [_build_profile(company, people, person, at, activity) for person, at in update_times]


def _measure_activity(company: Company, people: People, events: EventStore, now: int) -> Activity:
    """Return what each person has visibly done by now; events dated ahead do not count."""
    is_past, count = (events.seen <= now) & (events.at <= now) & (events.person >= 0), len(people)
    orders = np.flatnonzero(is_past & (events.metric == company.code("Placed Order")))
    buyer, at = events.person[orders], events.at[orders]
    last_event, last_shown, last_order = np.zeros((3, count), np.int64)
    np.maximum.at(last_event, events.person[is_past], events.at[is_past])
    shown = np.maximum(events.at, events.seen)
    np.maximum.at(last_shown, events.person[is_past], shown[is_past])
    np.maximum.at(last_order, buyer, at)
    first_order = np.full(count, NEVER)
    np.minimum.at(first_order, buyer, at)
    spent: Floats = np.bincount(buyer, events.value[orders], count).astype(float)
    orders_each = np.bincount(buyer, None, count)
    return Activity(now, last_event, last_shown, last_order, first_order, orders_each, spent)


def _build_profile(
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
            "anonymous_id": None,
            "whatsapp_bsuid": None,
            "first_name": FIRST_NAMES[people.first[person]],
            "last_name": LAST_NAMES[people.last[person]],
            "organization": None,
            "locale": "fr-CA" if city.country == "Canada" else "en-US",
            "title": None,
            "image": None,
            "created": to_iso(int(people.created[person])),
            "updated": to_iso(updated),
            "last_event_date": to_iso(last_event) if last_event else None,
            "location": location,
            "properties": _build_properties(people, person),
            "subscriptions": _build_subscriptions(company, people, person, now),
            "predictive_analytics": _predict(person, activity),
        },
        "relationships": {},
    }


def _build_properties(people: People, person: int) -> Json:
    birthday = datetime.fromtimestamp(int(people.birthday[person]) * DAY, UTC)
    properties: Json = {"Birthday": f"{birthday:%m-%d}"}
    if person % 5 == 0:
        properties["Favourite things"] = ["☕ coffee", 'long "walks"', "naïve art"]
    return properties


def _get_consent(people: People, channel: Channel, person: int, now: int) -> Consent:
    number = CHANNELS.index(channel)
    agreed, withdrawn = (
        int(people.consented_at[number, person]),
        int(people.withdrawn_at[number, person]),
    )
    if withdrawn <= now:
        return Consent("UNSUBSCRIBED", to_iso(withdrawn), allowed=False, method=None)
    if agreed > now:
        # E-mail may be sent without consent as long as nothing suppresses the address.
        return Consent("NEVER_SUBSCRIBED", None, allowed=channel == "email", method=None)
    by_form = channel in ("email", "sms") and people.form_version[person] >= 0
    return Consent("SUBSCRIBED", to_iso(agreed), allowed=True, method="FORM" if by_form else "API")


def _build_subscriptions(company: Company, people: People, person: int, now: int) -> Json:
    """Return the consents; Klaviyo gives each channel fields of its own."""
    email, sms, push, whatsapp = (
        _get_consent(people, channel, person, now) for channel in CHANNELS
    )
    phone = people.phone(person, now) if whatsapp.allowed else None
    marketing = _build_email_consent(email, REASONS[people.reason[person]])
    return {
        "email": {
            "marketing": marketing
            | {"list_suppressions": _find_list_suppressions(company, people, person, now)},
            "open_tracking": _build_tracking_consent(),
            "click_tracking": _build_tracking_consent(),
        },
        "sms": {
            "marketing": _build_consent(sms) | {"can_receive_sms_marketing": sms.allowed},
            "transactional": _build_consent(sms) | {"can_receive_sms_transactional": sms.allowed},
        },
        "mobile_push": {
            "marketing": {
                "consent": push.status,
                "consent_timestamp": push.since,
                "can_receive_push_marketing": push.allowed,
            }
        },
        "whatsapp": {
            "marketing": _build_whatsapp_consent(whatsapp, phone),
            "transactional": _build_whatsapp_consent(whatsapp, phone),
            "conversational": _build_whatsapp_consent(NO_CONSENT, None),
        },
    }


def _find_list_suppressions(company: Company, people: People, person: int, now: int) -> list[Json]:
    """Return the e-mail lists that a person has left: their mail is suppressed."""
    left = zip(company.lists, people.left_at[:, person].tolist(), strict=True)
    return [
        {"list_id": group.id, "reason": "UNSUBSCRIBE", "timestamp": to_iso(at)}
        for group, at in left
        if group.channel == "email" and at <= now
    ]


def _build_tracking_consent() -> Json:
    return _build_consent_times(NO_CONSENT) | {
        "can_receive": False,
        "created_timestamp": None,
        "metadata": None,
        "valid_until": None,
    }


def _build_whatsapp_consent(consent: Consent, phone: str | None) -> Json:
    return _build_consent_times(consent) | {
        "can_receive": consent.allowed,
        "created_timestamp": consent.since,
        "metadata": None,
        "valid_until": None,
        "phone_number": phone,
    }


def _build_email_consent(email: Consent, reason: str) -> Json:
    suppression = [{"reason": reason, "timestamp": email.since}]
    return _build_consent(email) | {
        "can_receive_email_marketing": email.allowed,
        "custom_method_detail": None,
        "double_optin": email.status == "SUBSCRIBED",
        "suppression": suppression if email.status == "UNSUBSCRIBED" else [],
    }


def _build_consent(consent: Consent) -> Json:
    return _build_consent_times(consent) | {"method": consent.method, "method_detail": ""}


def _build_consent_times(consent: Consent) -> Json:
    return {
        "consent": consent.status,
        "consent_timestamp": consent.since,
        "last_updated": consent.since,
    }


def _predict(person: int, activity: Activity) -> Json:
    """Return simple forecasts from the visible orders; null values without orders."""
    orders, spent = int(activity.orders[person]), float(activity.spent[person])
    if not orders:
        return dict.fromkeys(PREDICTIONS)
    first, last = int(activity.first_order[person]), int(activity.last_order[person])
    interval = (last - first) / DAY / (orders - 1) if orders > 1 else None
    expected_interval = interval or 180.0
    # The chance to order again halves with each interval that passes without an order.
    retention = 2.0 ** -((activity.now - last) / DAY / expected_interval)
    predicted = 365 / expected_interval * retention
    return {
        "historic_clv": round(spent, 2),
        "predicted_clv": round(predicted * spent / orders, 2),
        "total_clv": round(spent + predicted * spent / orders, 2),
        "historic_number_of_orders": orders,
        "predicted_number_of_orders": round(predicted, 2),
        "average_days_between_orders": interval and round(interval, 1),
        "average_order_value": round(spent / orders, 2),
        "churn_probability": round(1 - retention, 3),
        "expected_date_of_next_order": to_iso(last + int(expected_interval * DAY)),
        "ranked_channel_affinity": list(CHANNELS),
    }
