"""Objects with every field that the official client declares: the shapes are Stripe's, not ours."""

import decimal
import random
import types
import typing
from typing import Any

import stripe

Object = dict[str, Any]
CLASSES: dict[str, Any] = {
    resource.OBJECT_NAME: resource
    for resource in (
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
    value: Any
    if origin in {typing.Union, types.UnionType}:
        # An object that can be expanded is its id.
        best = str if str in arguments else next(a for a in arguments if a is not type(None))
        is_null = type(None) in arguments and chooser.random() < 0.4
        value = None if is_null else _value(field, best, chooser, depth)
    elif origin is typing.Literal:
        value = chooser.choice(arguments)
    elif origin is list:
        length = chooser.randrange(2)
        value = [_value(field, arguments[0], chooser, depth + 1) for _ in range(length)]
    elif is_list(kind):
        value = {"object": "list", "data": [], "has_more": False, "url": f"/v1/{field}"}
    elif isinstance(kind, type) and issubclass(kind, stripe.StripeObject) and depth < 3:
        named = getattr(kind, "__annotations__", {})
        inner = {
            name: _value(name, annotation, chooser, depth + 1) for name, annotation in named.items()
        }
        value = inner or {"order": "6735"}
    else:
        value = _scalar(field, kind, chooser)
    return value


def _scalar(field: str, kind: Any, chooser: random.Random) -> Any:
    number = chooser.randrange(1000)
    values = {
        bool: number % 2 == 0,
        int: (0, 500, 1_790_000_000)[number % 3],
        float: number / 4,
        decimal.Decimal: "1234.5",
        str: f"{field} é {number}",
    }
    return values.get(kind, {"id": f"{field}_{number}", "object": field})
