"""A Stripe of our own on 127.0.0.1: lists, pages, events of 30 days, deletions, errors, a clock.

Tests change what it holds; each change makes an event whose object is rendered in an older version,
whatever version a request asks for, as Stripe's are.
"""

import base64
import json
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simplyload.testing.server import Fault, Handler
from tests.stripe.shapes import Object, make

NOON = 1_795_000_000
DAY = 86_400
KEY = "rk_test_key_of_the_tests"
PATHS = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "plans": "plan",
    "subscriptions": "subscription",
    "subscription_items": "subscription_item",
    "invoices": "invoice",
    "charges": "charge",
    "payment_intents": "payment_intent",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "events": "event",
}
PREFIXES = {
    "customer": "cus", "product": "prod", "price": "price", "plan": "plan", "subscription": "sub",
    "subscription_item": "si", "invoice": "in", "line_item": "il", "charge": "ch",
    "payment_intent": "pi", "refund": "re", "dispute": "du", "balance_transaction": "txn",
    "payout": "po", "event": "evt",
}  # fmt: skip
TYPES = {"subscription": "customer.subscription", "dispute": "charge.dispute"}
CHILDREN = {"subscription": ("items", "subscription_item"), "invoice": ("lines", "line_item")}
FILTERS = {"limit", "starting_after", "ending_before", "expand"}
FILTERS |= {f"created[{bound}]" for bound in ("gt", "gte", "lt", "lte")}
OWN_FILTERS = {
    "subscriptions": {"status"},
    "subscription_items": {"subscription"},
    "balance_transactions": {"payout"},
    "events": {"type", "types[]"},
}
OLD_VERSION = "2022-11-15"
OLD_LACKS = {"tax_exempt", "current_period_end", "amount_overpaid", "presentment_details"}


class StripeError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body = {"error": {"type": "invalid_request_error", "message": message, **fields}}


class FakeStripe:
    """What the accounts hold, and the faults that are to come; account "" is the key's own."""

    def __init__(self, seed: int = 1) -> None:
        self.now = NOON
        self.address = ""
        self.accounts: set[str] = {""}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.forbidden: set[str] = set()  # collections that the key may not read
        self.keeps_anchors = False  # a deleted object can still be an anchor
        self.step = 0  # seconds that pass with each request
        self.on_request: Any = None  # called with each path before it is answered
        self._chooser = random.Random(seed)
        self._objects: dict[tuple[str, str], dict[str, Object]] = defaultdict(dict)
        self._deleted: dict[tuple[str, str, str], Object] = {}
        self._children: dict[str, list[Object]] = defaultdict(list)
        self._visible: dict[str, int] = {}
        self._number = 0
        self._lock = threading.RLock()

    # ---- what tests do ----

    def create(
        self, kind: str, /, *, account: str = "", event: str = "created", **fields: Any
    ) -> str:
        """Create an object with an event; without a type (event="") there is none."""
        self._number += 1
        found = make(kind, self._chooser)
        found["id"] = f"{PREFIXES[kind]}_{self._chooser.randrange(16**8):08x}{self._number}"
        found |= {"created": self.now} if "created" in found else {}
        found |= {"livemode": False} if "livemode" in found else {}
        if kind in {"invoice", "subscription"}:
            found["status"] = "draft" if kind == "invoice" else "active"
        found |= fields
        self._objects[account, kind][found["id"]] = found
        self.tell(account, found, event)
        return str(found["id"])

    def update(
        self,
        id_: str,
        *,
        event: str = "updated",
        visible: int = 0,
        among: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        """Change an object; its event becomes visible that many seconds later."""
        account, found = self._find(id_, **among or {})
        before = {name: found.get(name) for name in fields}
        found |= fields
        self.tell(account, found, event, before, visible)

    def delete(self, id_: str, **among: str) -> None:
        """Delete an object."""
        account, found = self._find(id_, **among)
        self.tell(account, found, "deleted")
        del self._objects[account, found["object"]][id_]
        self._deleted[account, found["object"], id_] = found

    def forget(self, id_: str) -> None:
        """Let an object, such as an old event, be there no more, without an event."""
        account, found = self._find(id_)
        del self._objects[account, found["object"]][id_]

    def add_children(self, id_: str, count: int, *, event: str = "updated", **fields: Any) -> None:
        """Add children to an invoice or a subscription."""
        self._change_children(id_, event, [*self._children[id_], *self._new(id_, count, fields)])

    def remove_children(self, id_: str, *places: int) -> None:
        """Remove children by their place."""
        children = self._children[id_]
        kept = [
            child
            for n, child in enumerate(children)
            if n not in {p % len(children) for p in places}
        ]
        self._change_children(id_, "updated", kept)

    def link(self, payout: str, *transactions: str) -> None:
        """Say which transactions a payout consists of."""
        account, _ = self._find(payout)
        known = self._objects[account, "balance_transaction"]
        self._children[payout] = [known[transaction] for transaction in transactions]

    def get(self, id_: str) -> Object:
        """Give an object as it is now."""
        return self._find(id_)[1]

    def children(self, id_: str) -> list[Object]:
        """Give the children of an object as they are now."""
        return self._children[id_]

    def present(self, name: str) -> dict[tuple[str, str], Object]:
        """Give what there is of a kind by account and id."""
        if name in {"subscription_item", "line_item"}:
            parent = {"subscription_item": "subscription", "line_item": "invoice"}[name]
            return {
                (account, child["id"]): {**child, parent: id_}
                for (account, id_) in self.present(parent)
                for child in self._children[id_]
            }
        found = [(key[0], all_) for key, all_ in self._objects.items() if key[1] == name]
        return {(account, id_): item for account, all_ in found for id_, item in all_.items()}

    def fail(self, path: str, status: int, message: str = "try again", **more: Any) -> None:
        """Let the next requests of a path fail."""
        body = {"error": {"message": message, **more.pop("error", {})}}
        self.faults.append(Fault(path, status, body, **more))

    def paths(self) -> list[str]:
        """Give the paths that were asked for since the last call."""
        paths = [path for _, path, _ in self.requests]
        self.requests.clear()
        return paths

    # ---- what it answers ----

    def answer(self, account: str, path: str, params: dict[str, str]) -> Object:
        """Give the body of an answer."""
        with self._lock:
            self.now += self.step
            if self.on_request:
                self.on_request(path)
            self.requests.append((account, path, params))
            if account not in self.accounts:
                raise StripeError(
                    403, f"The provided key does not have access to account '{account}'"
                )
            collection, _, rest = path.partition("/")
            if collection not in PATHS:
                raise StripeError(404, f"Unrecognized request URL (GET: /v1/{path}).")
            if collection in self.forbidden:
                permission = f"rak_{PATHS[collection]}_read"
                raise StripeError(
                    403, f"The provided key does not have the required permissions. Having the"
                    f" '{permission}' permission would allow this request to continue.",
                )  # fmt: skip
            if not rest:
                return self._list(account, collection, path, params)
            id_, _, child = rest.partition("/")
            found = self._retrieve(account, PATHS[collection], id_)
            if child:
                return self._page(
                    path, [self._render_child(o) for o in self._children[id_]], params
                )
            return found

    def _retrieve(self, account: str, name: str, id_: str) -> Object:
        found = self._objects[account, name].get(id_)
        if found:
            return self._render(found)
        if (account, name, id_) in self._deleted and name == "customer":
            return {"id": id_, "object": name, "deleted": True}
        raise StripeError(404, f"No such {name}: '{id_}'", code="resource_missing", param="id")

    def _list(self, account: str, collection: str, path: str, params: dict[str, str]) -> Object:
        unknown = params.keys() - FILTERS - OWN_FILTERS.get(collection, set())
        if unknown:
            raise StripeError(400, f"Received unknown parameter: {min(unknown)}")
        if collection == "subscription_items":
            children = self._children[params["subscription"]]
            return self._page(path, [self._render_child(child) for child in children], params)
        if "payout" in params:
            return self._page(path, self._of_payout(account, params["payout"]), params)
        every = [*self._objects[account, PATHS[collection]].values()]
        every.reverse()  # newest first, also within a second
        every.sort(key=lambda item: -int(item["created"]))
        if collection == "events":
            every = [item for item in every if self._is_visible(item)]
        if collection == "subscriptions" and params.get("status") != "all":
            every = [item for item in every if item["status"] != "canceled"]
        for name, test in _COMPARISONS.items():
            if name in params:
                bound = int(params[name])
                every = [item for item in every if test(item["created"], bound)]
        gone = [
            item
            for (a, n, _), item in self._deleted.items()
            if (a, n) == (account, PATHS[collection])
        ]
        return self._page(path, [self._render(item) for item in every], params, gone)

    def _of_payout(self, account: str, id_: str) -> list[Object]:
        if not self._objects[account, "payout"][id_]["automatic"]:
            raise StripeError(400, "Balance transaction history can only be filtered on automatic"
                              " transfers, not manual.")  # fmt: skip
        return [self._render(child) for child in self._children[id_]]

    def _page(
        self,
        path: str,
        found: list[Object],
        params: dict[str, str],
        gone: list[Object] | None = None,
    ) -> Object:
        after, limit = params.get("starting_after"), int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise StripeError(400, "This value must be between 1 and 100.", param="limit")
        start = 0
        if after:
            ids = [item["id"] for item in found]
            anchors = {item["id"]: item for item in gone or () if self.keeps_anchors}
            if after in ids:
                start = ids.index(after) + 1
            elif after in anchors:
                start = sum(item["created"] > anchors[after]["created"] for item in found)
            else:
                raise StripeError(
                    400,
                    f"No such object: '{after}'",
                    code="resource_missing",
                    param="starting_after",
                )
        page = found[start : start + limit]
        more = start + limit < len(found)
        return {"object": "list", "url": f"/v1/{path}", "has_more": more, "data": page}

    def _render(self, found: Object) -> Object:
        shown = deepcopy(found)
        if found["object"] in CHILDREN:
            name, _ = CHILDREN[found["object"]]
            children = [self._render_child(child) for child in self._children[found["id"]]]
            path = "lines" if name == "lines" else "subscription_items"
            shown[name] = self._page(path, children, {})
        return shown

    @staticmethod
    def _render_child(found: Object) -> Object:
        return deepcopy(found)

    def tell(
        self,
        account: str,
        found: Object,
        event: str,
        before: Object | None = None,
        visible: int = 0,
    ) -> None:
        """Make an event of a change; `before` are the former values."""
        if not event or found["object"] in {"balance_transaction", "event"}:
            return
        shown = {k: v for k, v in self._render(found).items() if k not in OLD_LACKS}
        data = {"object": shown} | ({"previous_attributes": before} if before else {})
        kind = event if "." in event else f"{TYPES.get(found['object'], found['object'])}.{event}"
        id_ = self.create("event", account=account, event="", type=kind, api_version=OLD_VERSION,
                          data=deepcopy(data))  # fmt: skip
        self._visible[id_] = self.now + visible

    def _is_visible(self, event: Object) -> bool:
        since, until = self._visible.get(event["id"], 0), int(event["created"]) + 30 * DAY
        return since <= self.now <= until

    def _find(self, id_: str, **among: str) -> tuple[str, Object]:
        """Give an object and its account; `account` and `kind` say which of several with one id."""
        for (account, kind), all_ in self._objects.items():
            if id_ in all_ and among.items() <= {"account": account, "kind": kind}.items():
                return account, all_[id_]
        raise KeyError(id_)

    def _new(self, parent: str, count: int, fields: Object) -> Iterator[Object]:
        _, name = CHILDREN[self.get(parent)["object"]]
        for _ in range(count):
            self._number += 1
            child = make(name, self._chooser) | {"id": f"{PREFIXES[name]}_{self._number}"}
            child |= {"livemode": False} if "livemode" in child else {}
            for embedded in ("price", "plan"):
                if embedded in child:
                    child[embedded] = make(embedded, self._chooser) | {
                        "id": f"{embedded}_{self._number}"
                    }
            yield child | fields

    def _change_children(self, id_: str, event: str, children: list[Object]) -> None:
        account, found = self._find(id_)
        name, _ = CHILDREN[found["object"]]
        before = {name: self._render(found)[name]}
        self._children[id_] = children
        self.tell(account, found, event, before)


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "created[gt]": lambda a, b: a > b,
    "created[gte]": lambda a, b: a >= b,
    "created[lt]": lambda a, b: a < b,
    "created[lte]": lambda a, b: a <= b,
}


class StripeHandler(Handler):
    """Answers as Stripe does."""

    fake: FakeStripe

    def answer(self, content: bytes) -> None:  # noqa: ARG002 - a GET has none
        """Answer one request."""
        url = urlsplit(self.path)
        path, params = url.path.removeprefix("/v1/"), dict(parse_qsl(url.query))
        if self.fail(path.startswith):
            self.fake.requests.append(("fault", path, params))
            return
        try:
            self._authenticate()
            account = self.headers.get("Stripe-Account")
            if account == "":
                raise StripeError(400, "The Stripe-Account header is empty.")  # noqa: TRY301
            self.send(200, self.fake.answer(account or "", path, params))
        except StripeError as error:
            self.send(error.status, error.body)

    def _authenticate(self) -> None:
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        key = base64.b64decode(secret).decode().rstrip(":") if kind == "Basic" else secret
        if key != KEY:
            raise StripeError(401, f"Invalid API Key provided: {key}")

    def send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON."""
        own = {"Content-Type": "application/json", **(headers or {})}
        self.send_content(status, json.dumps(body).encode(), own)
