"""Objects with every field that the official client declares: the shapes are Stripe's, not ours."""

import datetime
import decimal
import random
import types
import typing
from typing import Any

import stripe

Object = dict[str, Any]
CLASSES: dict[str, Any] = {
    one.OBJECT_NAME: one
    for one in (
        stripe.Customer,
        stripe.Product,
        stripe.Price,
        stripe.Plan,
        stripe.Subscription,
        stripe.SubscriptionItem,
        stripe.Invoice,
        stripe.InvoiceLineItem,
        stripe.Charge,
        stripe.PaymentIntent,
        stripe.Refund,
        stripe.Dispute,
        stripe.BalanceTransaction,
        stripe.Payout,
        stripe.Event,
    )
}
# What an answer has only when the request expands it: https://docs.stripe.com/expand (includable).
EXPANDED = {
    "customer": {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax"}
    | {"tax_ids"},
    "price": {"currency_options", "tiers"},
    "plan": {"tiers"},
    "invoice": {"confirmation_secret", "payments"},
    "charge": {"refunds"},
}


def fields_of(name: str) -> dict[str, Any]:
    """Give the fields of an object as the client declares them, without those of every object."""
    declared = CLASSES[name].__annotations__
    left_out = {"OBJECT_NAME", "object", "deleted", "id"} | EXPANDED.get(name, set())
    return {field: kind for field, kind in declared.items() if field not in left_out}


def is_list(kind: Any) -> bool:
    """Tell whether a field is a list object, which has pages."""
    return "ListObject" in str(kind)


def make(name: str, chooser: random.Random) -> Object:
    """Give an object with a value, or None where that may be, in each field."""
    found = {field: _value(field, kind, chooser) for field, kind in fields_of(name).items()}
    return {"object": name, **found}


def _value(field: str, kind: Any, chooser: random.Random, depth: int = 0) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        if type(None) in arguments and chooser.random() < 0.4:
            return None
        # An object that can be expanded is its id.
        best = str if str in arguments else next(a for a in arguments if a is not type(None))
        return _value(field, best, chooser, depth)
    if origin is typing.Literal:
        return chooser.choice(arguments)
    if origin is list:
        return [
            _value(field, arguments[0], chooser, depth + 1) for _ in range(chooser.randrange(2))
        ]
    if is_list(kind):
        return {"object": "list", "data": [], "has_more": False, "url": f"/v1/{field}"}
    if isinstance(kind, type) and issubclass(kind, stripe.StripeObject) and depth < 3:
        named = {name: one for name, one in getattr(kind, "__annotations__", {}).items()}
        inner = {name: _value(name, one, chooser, depth + 1) for name, one in named.items()}
        return inner or {"order": "6735"}
    return _scalar(field, kind, chooser)


def _scalar(field: str, kind: Any, chooser: random.Random) -> Any:
    if kind is bool:
        return chooser.random() < 0.5
    if kind is int:
        return chooser.choice([0, 500, 1_790_000_000])
    if kind is float:
        return chooser.choice([0.5, 12.25])
    if kind is decimal.Decimal:
        return "1234.5"
    if kind is datetime.datetime:
        return 1_790_000_000
    if kind is str:
        return f"{field} é {chooser.randrange(1000)}"
    return {"id": f"{field}_{chooser.randrange(1000)}", "object": field}
