"""Objects of a Salesforce org: the fields that describe has of them, and made-up values.

Fields and flags are those of the Object Reference for the Salesforce Platform
(https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/), a few
for each type that describe knows
(https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm).
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
TEXTS = (
    "01234",
    "821580693639061174",
    "NA",
    "null",
    "1e5",
    'a "quoted", text',
    "ãñõ 漢字",
    "x\r\ny\n",
)


@dataclass
class Field:
    """A field; a formula gives its value from the record when it is read."""

    name: str
    type: str = "string"
    formula: Callable[[Record], Any] | None = None
    filterable: bool = True
    refers: tuple[str, ...] = ()
    part_of: str | None = None

    def describe(self) -> Record:
        """Give what describe says of it."""
        return {
            "name": self.name,
            "type": self.type,
            "label": self.name,
            "calculated": self.formula is not None,
            "filterable": self.filterable and self.type not in {"base64", "address"},
            "sortable": self.type not in {"base64", "address", "textarea"},
            "nillable": True,
            "length": 255,
            "referenceTo": list(self.refers),
            "compoundFieldName": self.part_of,
        }


@dataclass
class Shape:
    """An object: what describe says of it."""

    name: str
    prefix: str
    fields: list[Field]
    queryable: bool = True
    replicateable: bool = True
    hidden: set[str] = field(default_factory=set)  # fields that the user may not see

    def visible(self) -> list[Field]:
        """Give the fields that the user sees."""
        return [field for field in self.fields if field.name not in self.hidden]


def make_shapes() -> dict[str, Shape]:
    """Give the objects of a new org."""
    made = [
        Shape("Account", "001", [*_system(), *_account()]),
        Shape("Contact", "003", [*_system(), *_contact()]),
        Shape("Task", "00T", [*_system(), *_task()]),
        Shape("Invoice__c", "a00", [*_system(), *_invoice()]),
        Shape("Attachment", "00P", [*_system(), Field("Name"), Field("Body", "base64")]),
        Shape("AccountHistory", "017", _history(), replicateable=False),
        Shape("AccountShare", "00r", _share(), replicateable=False),
        Shape(
            "RecordActionHistory", "0UZ", [Field("Id", "id"), Field("State")], replicateable=False
        ),
        Shape("Order__x", "x01", [*_system()]),
        Shape("Log__b", "", [Field("Id", "id"), Field("Text__c")]),
        Shape("Note__e", "e00", [Field("ReplayId")], queryable=False),
    ]
    return {shape.name: shape for shape in made}


def _system() -> list[Field]:
    return [
        Field("Id", "id"),
        Field("IsDeleted", "boolean"),
        Field("CreatedDate", "datetime"),
        Field("LastModifiedDate", "datetime"),
        Field("SystemModstamp", "datetime"),
    ]


def _account() -> list[Field]:
    parts = ("BillingStreet", "BillingCity", "BillingPostalCode")
    return [
        Field("MasterRecordId", "reference", refers=("Account",)),
        Field("Name"),
        Field("Industry", "picklist"),
        Field("Tags__c", "multipicklist"),
        Field("AnnualRevenue", "currency"),
        Field("NumberOfEmployees", "int"),
        Field("Rating__c", "double"),
        Field("Share__c", "percent"),
        Field("IsActive__c", "boolean"),
        Field("Since__c", "date"),
        Field("LastCall__c", "datetime"),
        Field("Opens__c", "time"),
        Field("Description", "textarea", filterable=False),
        *(Field(part, part_of="BillingAddress") for part in parts),
        Field("BillingLatitude", "double", part_of="BillingAddress"),
        Field("BillingAddress", "address"),
    ]


def _contact() -> list[Field]:
    return [
        Field("AccountId", "reference", refers=("Account",)),
        Field("LastName"),
        Field("Email", "email"),
    ]


def _task() -> list[Field]:
    return [
        Field("Subject", "combobox"),
        Field("WhoId", "reference", refers=("Contact", "Lead")),
        Field("IsArchived", "boolean"),
    ]


def _invoice() -> list[Field]:
    return [
        Field("Account__c", "reference", refers=("Account",)),
        Field("Net__c", "currency"),
        Field("Gross__c", "currency", formula=lambda record: (record["Net__c"] or 0) * 1.19),
    ]


def _history() -> list[Field]:
    names = ("Id", "id"), ("IsDeleted", "boolean"), ("AccountId", "reference")
    return [
        *(Field(*arguments) for arguments in names),
        Field("CreatedDate", "datetime"),
        Field("Field", "picklist"),
        Field("NewValue", "anyType", filterable=False),
    ]


def _share() -> list[Field]:
    return [
        Field("Id", "id"),
        Field("AccountId", "reference"),
        Field("LastModifiedDate", "datetime"),
        Field("IsDeleted", "boolean"),
    ]


def _text(chooser: random.Random) -> str:
    return chooser.choice(TEXTS)


_VALUES: Mapping[str, Callable[[random.Random], Any]] = {
    "boolean": lambda chooser: chooser.random() < 0.5,
    "int": lambda chooser: chooser.randrange(1_000_000),
    "double": lambda chooser: chooser.choice([0.1, 1e9, -3.25, 12345678901234.5]),
    "currency": lambda chooser: round(chooser.uniform(0, 1e6), 2),
    "percent": lambda chooser: chooser.choice([0, 12.5, 100]),
    "date": lambda chooser: chooser.choice(["2026-11-27", "1700-01-01", "4000-12-31"]),
    "datetime": lambda chooser: f"2026-0{chooser.randrange(1, 9)}-01T10:00:00.000+0000",
    "time": lambda _: "09:30:00.000Z",
    "address": lambda _: None,
    "base64": lambda _: None,
    "reference": lambda _: None,
    "anyType": lambda chooser: chooser.choice(["text", 5, 2.5, True]),
    "multipicklist": lambda _: "A;B",
}


def make_value(kind: str, chooser: random.Random) -> Any:
    """Give a value of a type; every fourth is null, but a checkbox never is."""
    if kind != "boolean" and chooser.random() < 0.25:
        return None
    return _VALUES.get(kind, _text)(chooser)
