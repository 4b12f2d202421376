"""The objects of Stripe that become tables: one declaration for each.

A column is declared with its type, and one rule makes its cell:

    text      text as sent; of an object that Stripe sends whole, its id (expandable fields)
    integer   as sent: an amount is in the smallest unit of its `currency`
    number    a fraction
    flag      true or false
    time      seconds since 1970, as a time in UTC
    nested    the object or list as JSON with sorted keys; `client_secret` is left out
    ids       a list of ids as JSON, whether Stripe sends ids or objects

A list object (`lines`, `items`) is no column: it is a table of its own, or left out. Fields that
Stripe sends only when they are expanded are left out too. A field that an answer lacks is not
carried: the destination keeps what it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any, Literal

import pyarrow as pa

from simplyload.changes import Table

# The version whose fields are declared below: every request asks for it.
API_VERSION = "2026-10-28.endive"

Type = Literal["text", "integer", "number", "flag", "time", "nested", "ids"]
Object = dict[str, Any]

ARROW: Mapping[Type, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "nested": pa.string(),
    "ids": pa.string(),
}


def _columns(**types: str) -> dict[str, Type]:
    """Return the type of each column; `id` is one of each."""
    named: Any = {name: kind for kind, names in types.items() for name in names.split()}
    return {"id": "text", **named}


@dataclass(frozen=True, kw_only=True, eq=False)
class Declared:
    """A table: its address, its columns, and its key within an account."""

    table: str
    object: str
    path: str
    columns: Mapping[str, Type]
    key: tuple[str, ...] = ("id",)

    def as_table(self) -> Table:
        """Return the table of the destination."""
        kinds = {column: ARROW[kind] for column, kind in self.columns.items()}
        schema = pa.schema(list({"account": pa.string(), **kinds}.items()))
        key = ("account", *self.key)
        return Table(name=self.table, key=key, schema=schema, source_name=self.table)


@dataclass(frozen=True, kw_only=True, eq=False)
class Child(Declared):
    """A table of what belongs to an object and has no events: it is read with its parent.

    `field` is the list in the parent that begins with the children; without one they are listed
    for a parent that `condition` selects. `parent` is the column with the parent's id. In a state
    of the parent that is `final` no child vanishes any more.
    """

    parent: str
    field: str | None = None
    condition: Mapping[str, Any] = field_of(default_factory=dict)
    final: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind(Declared):
    """A kind of object: its table, and how its changes are found.

    `follow` says what tells of changes: events, the time of creation (no event exists), or nothing,
    as for events themselves. `dated` objects are bounded by the setting start_date. `touches` are
    fields that name objects which an event of this one may have changed too. An object is settled
    when its status is no longer pending, which is at the time `settles` at the earliest.
    """

    follow: Literal["events", "created", "itself"] = "events"
    dated: bool = True
    listing: Mapping[str, str] = field_of(default_factory=dict)
    children: tuple[Child, ...] = ()
    touches: Mapping[str, str] = field_of(default_factory=dict)
    settles: str | None = None


CUSTOMERS = Kind(
    table="customers",
    object="customer",
    path="customers",
    dated=False,
    columns=_columns(
        text="business_name currency customer_account default_source description email"
        " individual_name invoice_prefix name phone tax_exempt test_clock",
        integer="balance next_invoice_sequence",
        flag="delinquent livemode",
        time="created",
        nested="address discount invoice_settings metadata preferred_locales shipping",
    ),
)

PRODUCTS = Kind(
    table="products",
    object="product",
    path="products",
    dated=False,
    columns=_columns(
        text="default_price description name statement_descriptor tax_code type unit_label url",
        flag="active livemode shippable",
        time="created updated",
        nested="images marketing_features metadata package_dimensions tax_details",
    ),
)

PRICES = Kind(
    table="prices",
    object="price",
    path="prices",
    dated=False,
    columns=_columns(
        text="billing_scheme currency lookup_key nickname product tax_behavior tiers_mode type"
        " unit_amount_decimal",
        integer="unit_amount",
        flag="active livemode",
        time="created",
        nested="custom_unit_amount metadata recurring transform_quantity",
    ),
)

PLANS = Kind(
    table="plans",
    object="plan",
    path="plans",
    dated=False,
    columns=_columns(
        text="amount_decimal billing_scheme currency interval meter nickname product tiers_mode"
        " usage_type",
        integer="amount interval_count trial_period_days",
        flag="active livemode",
        time="created",
        nested="metadata transform_usage",
    ),
)

SUBSCRIPTION_ITEMS = Child(
    table="subscription_items",
    object="subscription_item",
    path="subscription_items?subscription={id}",
    parent="subscription",
    field="items",
    final=frozenset({"canceled", "incomplete_expired"}),
    columns=_columns(
        text="plan price subscription",
        integer="billed_until quantity",
        time="created current_period_end current_period_start",
        nested="billing_thresholds current_trial metadata tax_rates",
        ids="discounts",
    ),
)

SUBSCRIPTIONS = Kind(
    table="subscriptions",
    object="subscription",
    path="subscriptions",
    dated=False,
    listing={"status": "all"},  # without it a list has no canceled ones
    children=(SUBSCRIPTION_ITEMS,),
    columns=_columns(
        text="application collection_method currency customer customer_account"
        " default_payment_method default_source description latest_invoice on_behalf_of"
        " pending_setup_intent schedule status test_clock",
        integer="days_until_due",
        number="application_fee_percent",
        flag="cancel_at_period_end livemode",
        time="billing_cycle_anchor cancel_at canceled_at created ended_at"
        " next_pending_invoice_item_invoice start_date trial_end trial_start",
        nested="automatic_tax billing_cycle_anchor_config billing_mode billing_schedules"
        " billing_thresholds cancellation_details default_tax_rates invoice_settings"
        " managed_payments metadata pause_collection payment_settings"
        " pending_invoice_item_interval pending_update presentment_details status_details"
        " transfer_data trial_settings",
        ids="discounts",
    ),
)

INVOICE_LINE_ITEMS = Child(
    table="invoice_line_items",
    object="line_item",
    path="invoices/{id}/lines",
    parent="invoice",
    field="lines",
    final=frozenset({"open", "paid", "uncollectible", "void"}),
    columns=_columns(
        text="currency description invoice quantity_decimal subscription",
        integer="amount quantity subtotal",
        flag="discountable livemode",
        nested="discount_amounts metadata parent period pretax_credit_amounts pricing taxes",
        ids="discounts",
    ),
)

INVOICES = Kind(
    table="invoices",
    object="invoice",
    path="invoices",
    children=(INVOICE_LINE_ITEMS,),
    columns=_columns(
        text="account_country account_name application billing_reason collection_method currency"
        " customer customer_account customer_email customer_name customer_phone"
        " customer_tax_exempt default_payment_method default_source description footer"
        " hosted_invoice_url invoice_pdf latest_revision number on_behalf_of receipt_number"
        " statement_descriptor status test_clock",
        integer="amount_due amount_overpaid amount_paid amount_paid_off_stripe amount_remaining"
        " amount_shipping attempt_count ending_balance post_payment_credit_notes_amount"
        " pre_payment_credit_notes_amount starting_balance subtotal subtotal_excluding_tax total"
        " total_excluding_tax",
        flag="attempted auto_advance livemode",
        time="automatically_finalizes_at created due_date effective_at next_payment_attempt"
        " period_end period_start webhooks_delivered_at",
        nested="automatic_tax custom_fields customer_address customer_shipping customer_tax_ids"
        " default_tax_rates from_invoice issuer last_finalization_error metadata parent"
        " payment_settings rendering shipping_cost shipping_details status_details"
        " status_transitions threshold_reason total_discount_amounts"
        " total_pretax_credit_amounts total_taxes",
        ids="account_tax_ids discounts",
    ),
)

CHARGES = Kind(
    table="charges",
    object="charge",
    path="charges",
    columns=_columns(
        text="application application_fee authorization_code balance_transaction"
        " calculated_statement_descriptor currency customer description"
        " failure_balance_transaction failure_code failure_message on_behalf_of payment_intent"
        " payment_method receipt_email receipt_number receipt_url review source_transfer"
        " statement_descriptor statement_descriptor_suffix status transfer transfer_group",
        integer="amount amount_captured amount_refunded application_fee_amount",
        flag="captured disputed livemode paid refunded",
        time="created",
        nested="billing_details fraud_details level3 metadata outcome payment_method_details"
        " presentment_details radar_options shipping source transfer_data",
    ),
)

PAYMENT_INTENTS = Kind(
    table="payment_intents",
    object="payment_intent",
    path="payment_intents",
    columns=_columns(
        text="application cancellation_reason capture_method confirmation_method currency customer"
        " customer_account description latest_charge on_behalf_of payment_method payment_record"
        " receipt_email review setup_future_usage source statement_descriptor"
        " statement_descriptor_suffix status transfer_group",
        integer="amount amount_capturable amount_received application_fee_amount",
        flag="livemode",
        time="canceled_at created",
        nested="allowed_payment_method_types amount_details automatic_payment_methods"
        " excluded_payment_method_types hooks last_payment_error managed_payments metadata"
        " next_action payment_details payment_method_configuration_details"
        " payment_method_options payment_method_types presentment_details processing shipping"
        " transfer_data",
    ),
)

REFUNDS = Kind(
    table="refunds",
    object="refund",
    path="refunds",
    touches={"charge": "charges", "payment_intent": "payment_intents"},
    columns=_columns(
        text="balance_transaction charge currency customer customer_account description"
        " failure_balance_transaction failure_reason instructions_email payment_intent"
        " payment_method pending_reason reason receipt_number source_transfer_reversal status"
        " transfer_reversal",
        integer="amount",
        time="created",
        nested="destination_details metadata next_action presentment_details",
    ),
)

DISPUTES = Kind(
    table="disputes",
    object="dispute",
    path="disputes",
    touches={"charge": "charges", "payment_intent": "payment_intents"},
    columns=_columns(
        text="charge currency intended_submission_method network_reason_code payment_intent reason"
        " status",
        integer="amount",
        flag="is_charge_refundable livemode",
        time="created",
        nested="balance_transactions enhanced_eligibility_types evidence evidence_details metadata"
        " payment_method_details",
    ),
)

BALANCE_TRANSACTIONS = Kind(
    table="balance_transactions",
    object="balance_transaction",
    path="balance_transactions",
    follow="created",
    settles="available_on",
    columns=_columns(
        text="balance_type currency description reporting_category source status type",
        integer="amount fee net",
        number="exchange_rate",
        time="available_on created",
        nested="fee_details",
    ),
)

# Which transactions an automatic payout consists of; no field of a transaction says so.
PAYOUT_TRANSACTIONS = Child(
    table="payout_transactions",
    object="balance_transaction",
    path="balance_transactions?payout={id}",
    parent="payout",
    key=("payout", "id"),
    condition={"automatic": True, "reconciliation_status": "completed"},
    columns=_columns(text="payout type", integer="amount net"),
)

PAYOUTS = Kind(
    table="payouts",
    object="payout",
    path="payouts",
    children=(PAYOUT_TRANSACTIONS,),
    columns=_columns(
        text="application_fee balance_transaction currency description destination"
        " failure_balance_transaction failure_code failure_message method original_payout"
        " payout_method reconciliation_status reversed_by source_type statement_descriptor status"
        " type",
        integer="amount application_fee_amount",
        flag="automatic livemode",
        time="arrival_date created",
        nested="metadata trace_id",
    ),
)

# `pending_webhooks` is left out: it changes by itself, and no event tells of it.
EVENTS = Kind(
    table="events",
    object="event",
    path="events",
    follow="itself",
    columns=_columns(
        text="api_version context type",
        flag="livemode",
        time="created",
        nested="data request",
    ),
)

KINDS = (
    CUSTOMERS,
    PRODUCTS,
    PRICES,
    PLANS,
    SUBSCRIPTIONS,
    INVOICES,
    CHARGES,
    PAYMENT_INTENTS,
    REFUNDS,
    DISPUTES,
    BALANCE_TRANSACTIONS,
    PAYOUTS,
    EVENTS,
)
BY_OBJECT = {kind.object: kind for kind in KINDS}
# The table of each child, and that of its parent.
CHILDREN = {child.table: kind.table for kind in KINDS for child in kind.children}
# Objects without a table: their events change the objects that they name.
TOUCHING = {
    **{kind.object: kind.touches for kind in KINDS},
    "discount": {"customer": "customers", "subscription": "subscriptions", "invoice": "invoices"},
}
