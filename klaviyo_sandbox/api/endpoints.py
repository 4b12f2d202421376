"""The endpoints, as one table: path, kind, rate, scopes, page, sorts, filters, includes.

Source: the official client klaviyo-api 25.0.0 (revision 2026-10-15) for page sizes, filters, rates
and scopes; Klaviyo's OpenAPI 2026-07-15 (and its beta, for the campaigns shape) for sorts and
includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from klaviyo_sandbox.api.kinds import KINDS

Shape = Literal["list", "one", "related", "identifiers", "question"]


@dataclass(frozen=True)
class Rate:
    """Requests allowed per second (burst), per minute (steady) and per day of the account."""

    burst: int
    steady: int
    daily: int | None = None


XS, S, M, L, XL = Rate(1, 15), Rate(3, 60), Rate(10, 150), Rate(75, 750), Rate(350, 3500)
REPORT = Rate(1, 2, 225)


@dataclass(frozen=True)
class Page:
    """Items per page; ``most`` is None where the client cannot choose."""

    size: int
    most: int | None = None


@dataclass(frozen=True)
class Filter:
    """The type of a filter's value and the operators it allows."""

    type: Literal["string", "boolean", "date-time", "number", "none"]
    operators: tuple[str, ...]


def text(*operators: str) -> Filter:
    """Filter by a string."""
    return Filter("string", operators)


ORDER = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
WITHIN = Filter("date-time", ORDER)
AT_OR_WITHIN = Filter("date-time", ("equals", *ORDER))
AFTER = Filter("date-time", ("greater-than",))
BETWEEN = Filter("date-time", ("greater-than", "less-than"))
FLAG = Filter("boolean", ("equals",))
PRESENT = Filter("none", ("has",))
ID = text("any")
ID_OR_SAME = text("any", "equals")
NAME = text("contains", "ends-with", "equals", "starts-with")


@dataclass(frozen=True)
class Endpoint:
    """One path and what may be asked of it.

    ``additional`` fields are shown when asked for, ``always`` those that other endpoints hide;
    ``slow`` gives the rate that applies when an additional field is asked for; ``unasked`` is the
    filter that holds when the request has none on that field.
    """

    path: str
    kind: str
    rate: Rate
    scopes: str
    page: Page | None = None
    sort: str = ""
    filters: dict[str, Filter] = field(default_factory=dict)
    include: str = ""
    additional: str = ""
    always: str = ""
    slow: dict[str, Rate] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """What the path's form says about the answer."""
        if self.rate is REPORT or self.kind == "metric-aggregate":
            return "question"
        if "/relationships/" in self.path:
            return "identifiers"
        if self.path.endswith("{id}"):
            return "one"
        return "related" if "{id}" in self.path else "list"

    @property
    def method(self) -> str:
        """The one HTTP method this endpoint answers to."""
        return "POST" if self.shape == "question" else "GET"

    @property
    def relation(self) -> str:
        """The relationship that a related or identifiers endpoint follows."""
        return self.path.rpartition("/")[2]

    @property
    def owner(self) -> str:
        """The kind whose ``{id}`` stands in the path."""
        plural = self.path.split("/")[2]
        return next(name for name, kind in KINDS.items() if kind.plural == plural)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression with the group ``id``."""
        return re.compile(self.path.replace("{id}", "(?P<id>[^/]+)") + "/?")


def _related(
    path: str, kind: str, rate: Rate, scopes: str, page: Page | None = None, **more: object
) -> Iterator[Endpoint]:
    """The two endpoints of a relationship: the related resources, and only their identifiers."""
    owner, relation = path.rsplit("/", 1)
    yield Endpoint(path, kind, rate, scopes, page, **more)  # type: ignore[arg-type]
    more.pop("include", None)
    more.pop("additional", None)
    identifiers = f"{owner}/relationships/{relation}"
    yield Endpoint(identifiers, kind, rate, scopes, page, **more)  # type: ignore[arg-type]


def _campaigns() -> Iterator[Endpoint]:
    scope = "campaigns:read"
    # Without a filter on it only unarchived campaigns come, as clients of older revisions report;
    # what 2026-10-15 does is not known.
    yield Endpoint(
        "/api/campaigns",
        "campaign",
        M,
        scope,
        Page(100, 100),
        "created_at id name updated_at",
        {"id": ID, "name": text("contains"), "archived": FLAG, "builder": text("equals")}
        | {"created_at": WITHIN, "updated_at": WITHIN},
        include="campaign-audiences campaign-messages tags",
        unasked={"archived": "equals(archived,false)"},
    )
    yield Endpoint(
        "/api/campaign-messages",
        "campaign-message",
        M,
        scope,
        Page(20, 100),
        "created id name status updated",
        {"id": ID_OR_SAME, "campaign_id": text("equals"), "name": text("contains")}
        | {"status": text("equals"), "created": WITHIN, "updated": WITHIN},
        include="campaign",
    )
    for path, kind, include in (
        ("/api/campaigns/{id}", "campaign", "campaign-audiences campaign-messages tags"),
        ("/api/campaign-messages/{id}", "campaign-message", "campaign campaign-variations"),
        ("/api/campaign-audiences/{id}", "campaign-audience", "campaign campaign-messages"),
        ("/api/campaign-variations/{id}", "campaign-variation", "campaign-message"),
    ):
        yield Endpoint(path, kind, M, scope, include=include)
    for path, kind, page, include in (
        ("campaigns/{id}/campaign-messages", "campaign-message", Page(100), "campaign"),
        ("campaigns/{id}/campaign-audiences", "campaign-audience", None, ""),
        ("campaign-messages/{id}/campaign", "campaign", None, ""),
        ("campaign-messages/{id}/campaign-audience", "campaign-audience", None, ""),
        ("campaign-messages/{id}/campaign-variations", "campaign-variation", None, ""),
        ("campaign-variations/{id}/campaign-message", "campaign-message", None, ""),
        ("campaign-audiences/{id}/campaign", "campaign", None, ""),
        ("campaign-audiences/{id}/campaign-messages", "campaign-message", Page(100), ""),
    ):
        yield from _related(f"/api/{path}", kind, M, scope, page, include=include)
    yield from _related("/api/campaigns/{id}/tags", "tag", S, f"{scope} tags:read")


def _flows() -> Iterator[Endpoint]:
    scope, dated = "flows:read", {"created": AT_OR_WITHIN, "updated": AT_OR_WITHIN}
    named = {"id": ID, "name": NAME} | dated
    yield Endpoint(
        "/api/flows",
        "flow",
        S,
        scope,
        Page(50, 50),
        "created id name status trigger_type updated",
        named | {"status": text("equals"), "archived": FLAG, "trigger_type": text("equals")},
        include="flow-actions tags",
        unasked={"archived": "equals(archived,false)"},  # as for campaigns
    )
    include = "flow-actions tags"
    yield Endpoint("/api/flows/{id}", "flow", S, scope, include=include, additional="definition")
    yield Endpoint("/api/flow-actions/{id}", "flow-action", S, scope, include="flow flow-messages")
    yield Endpoint(
        "/api/flow-messages/{id}", "flow-message", S, scope, include="flow-action template"
    )
    yield from _related(
        "/api/flows/{id}/flow-actions",
        "flow-action",
        S,
        scope,
        Page(50, 50),
        sort="action_type created id status updated",
        filters={"id": ID, "action_type": ID_OR_SAME, "status": text("equals")} | dated,
    )
    yield from _related(
        "/api/flow-actions/{id}/flow-messages",
        "flow-message",
        S,
        scope,
        Page(50, 50),
        sort="created id name updated",
        filters=named,
    )
    yield from _related("/api/flow-actions/{id}/flow", "flow", S, scope)
    yield from _related("/api/flow-messages/{id}/flow-action", "flow-action", S, scope)
    yield from _related("/api/flow-messages/{id}/template", "template", S, "templates:read")
    yield from _related("/api/flows/{id}/tags", "tag", S, f"{scope} tags:read")


def _groups() -> Iterator[Endpoint]:
    """Lists and segments, and who is in them."""
    filters = {"id": ID_OR_SAME, "name": ID_OR_SAME, "created": AFTER, "updated": AFTER}
    flags = {"is_active": Filter("boolean", ("any", "equals")), "is_starred": FLAG}
    members = {"email": ID_OR_SAME, "phone_number": ID_OR_SAME, "push_token": ID_OR_SAME}
    members |= {"_kx": text("equals"), "joined_group_at": WITHIN}
    count, sort = {"profile_count": XS}, "created id name updated"
    for kind, own, inside in (
        ("list", filters, members),
        ("segment", filters | flags, members | {"profile_id": ID_OR_SAME}),
    ):
        path, scope, include = f"/api/{kind}s", f"{kind}s:read", "flow-triggers tags"
        yield Endpoint(path, kind, L, scope, Page(10, 10), sort, own, include)
        yield Endpoint(
            f"{path}/{{id}}",
            kind,
            L,
            scope,
            include=include,
            additional="profile_count",
            slow=count,
        )
        yield from _related(
            f"{path}/{{id}}/profiles",
            "profile",
            L,
            f"{scope} profiles:read",
            Page(20, 100),
            sort="joined_group_at",
            filters=inside,
            additional="subscriptions predictive_analytics",
            slow={"predictive_analytics": M},
        )
        yield from _related(f"{path}/{{id}}/tags", "tag", S, f"{scope} tags:read")
        yield from _related(f"{path}/{{id}}/flow-triggers", "flow", S, f"{scope} flows:read")


def _people() -> Iterator[Endpoint]:
    marketing = "subscriptions.email.marketing"
    suppressed, unlisted = f"{marketing}.suppression", f"{marketing}.list_suppressions"
    filters = dict.fromkeys(("id", "email", "phone_number", "external_id"), ID_OR_SAME)
    filters |= {"_kx": text("equals"), "created": BETWEEN, "updated": BETWEEN}
    filters |= {f"{suppressed}.reason": text("equals"), f"{suppressed}.timestamp": WITHIN}
    filters |= {f"{unlisted}.reason": text("equals"), f"{unlisted}.timestamp": WITHIN}
    filters |= {f"{unlisted}.list_id": text("equals")}
    additional, slow = "subscriptions predictive_analytics", {"predictive_analytics": M}
    yield Endpoint(
        "/api/profiles",
        "profile",
        L,
        "profiles:read",
        Page(20, 100),
        f"created email id updated {suppressed}.timestamp {unlisted}.timestamp",
        filters,
        additional=additional,
        slow=slow,
    )
    yield Endpoint(
        "/api/profiles/{id}", "profile", L, "profiles:read", additional=additional, slow=slow
    )


def _events() -> Iterator[Endpoint]:
    include = "attributions metric profile"
    yield Endpoint(
        "/api/events",
        "event",
        XL,
        "events:read",
        Page(200, 1000),
        "datetime timestamp",
        {"metric_id": text("equals"), "profile_id": text("equals"), "profile": PRESENT}
        | {"metric": PRESENT, "datetime": WITHIN, "timestamp": Filter("number", ORDER)},
        include,
    )
    yield Endpoint("/api/events/{id}", "event", M, "events:read", include=include)
    yield from _related("/api/events/{id}/metric", "metric", XL, "events:read metrics:read")
    yield from _related("/api/events/{id}/profile", "profile", XL, "events:read profiles:read")


def _metrics() -> Iterator[Endpoint]:
    scope = "metrics:read"
    yield Endpoint(
        "/api/metrics",
        "metric",
        M,
        scope,
        Page(200),
        filters={"integration.name": text("equals"), "integration.category": text("equals")},
        include="flow-triggers",
    )
    yield Endpoint("/api/metrics/{id}", "metric", M, scope, include="flow-triggers")
    yield from _related("/api/metrics/{id}/flow-triggers", "flow", M, f"flows:read {scope}")
    for kind, include in (("mapped-metric", "custom-metric metric"), ("custom-metric", "metrics")):
        yield Endpoint(f"/api/{kind}s", kind, S, scope, include=include)
        yield Endpoint(f"/api/{kind}s/{{id}}", kind, S, scope, include=include)
    yield from _related("/api/mapped-metrics/{id}/metric", "metric", S, scope)
    yield from _related("/api/mapped-metrics/{id}/custom-metric", "custom-metric", S, scope)
    yield from _related("/api/custom-metrics/{id}/metrics", "metric", S, scope)
    yield Endpoint("/api/metric-aggregates", "metric-aggregate", S, scope)


def _tags_templates_forms() -> Iterator[Endpoint]:
    tags, templates, forms = "tags:read", "templates:read", "forms:read"
    yield Endpoint(
        "/api/tags", "tag", S, tags, Page(50, 50), "id name", {"name": NAME}, "tag-group"
    )
    yield Endpoint("/api/tags/{id}", "tag", S, tags, include="tag-group")
    grouped = {"name": NAME, "exclusive": FLAG, "default": FLAG}
    yield Endpoint("/api/tag-groups", "tag-group", S, tags, Page(25, 25), "id name", grouped)
    yield Endpoint("/api/tag-groups/{id}", "tag-group", S, tags)
    yield from _related("/api/tags/{id}/tag-group", "tag-group", S, tags)
    yield from _related("/api/tag-groups/{id}/tags", "tag", S, tags)
    for kind in ("campaign", "flow", "list", "segment"):
        path = f"/api/tags/{{id}}/relationships/{kind}s"
        yield Endpoint(path, kind, S, f"{kind}s:read {tags}")
    dated = {"created": AT_OR_WITHIN, "updated": AT_OR_WITHIN}
    yield Endpoint(
        "/api/templates",
        "template",
        L,
        templates,
        Page(10, 10),
        "created id name updated",
        {"id": ID_OR_SAME, "name": text("any", "contains", "equals")} | dated,
        additional="definition",
    )
    yield Endpoint("/api/templates/{id}", "template", L, templates, additional="definition")
    dated = {"created_at": WITHIN, "updated_at": WITHIN, "status": text("equals")}
    form = {"id": ID_OR_SAME, "name": text("any", "contains", "equals"), "ab_test": FLAG}
    order = "created_at updated_at"
    yield Endpoint("/api/forms", "form", S, forms, Page(20, 100), order, form | dated)
    yield Endpoint("/api/forms/{id}", "form", S, forms, always="definition")
    yield Endpoint("/api/form-versions/{id}", "form-version", S, forms, include="form")
    yield from _related("/api/form-versions/{id}/form", "form", S, forms)
    yield from _related(
        "/api/forms/{id}/form-versions",
        "form-version",
        S,
        forms,
        Page(20, 100),
        sort=order,
        filters=dated | {"form_type": ID_OR_SAME},
    )


def _reports() -> Iterator[Endpoint]:
    for subject, answers in (
        ("campaign", ("values",)),
        ("flow", ("values", "series")),
        ("form", ("values", "series")),
        ("segment", ("values", "series")),
    ):
        for answer in answers:
            kind = f"{subject}-{answer}-report"
            yield Endpoint(f"/api/{kind}s", kind, REPORT, f"{subject}s:read")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/api/accounts", "account", XS, "accounts:read"),
    Endpoint("/api/accounts/{id}", "account", XS, "accounts:read"),
    *_campaigns(),
    *_flows(),
    *_groups(),
    *_people(),
    *_events(),
    *_metrics(),
    *_tags_templates_forms(),
    *_reports(),
)


def route(path: str) -> tuple[Endpoint, str] | None:
    """Return the endpoint at a path and the id in it; None if there is none."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match is not None:
            return endpoint, match.groupdict().get("id", "")
    return None
