"""The endpoints, as one table: path, kind, rate, scopes, page, sorts, filters, includes.

Source: the official client klaviyo-api 25.0.0 (revision 2026-10-15) for page sizes, filters, rates
and scopes; Klaviyo's OpenAPI 2026-07-15 (and its beta, for the campaigns shape) for sorts and
includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from klaviyo_sandbox.resources.resource_types import KINDS

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


def _both(path: str, kind: str, rate: Rate, scopes: str, **more: Any) -> tuple[Endpoint, Endpoint]:
    """The two endpoints of a relationship: the related resources, and only their identifiers."""
    owner, relation = path.rsplit("/", 1)
    related = Endpoint(path, kind, rate, scopes, **more)
    identifiers = f"{owner}/relationships/{relation}"
    return related, replace(related, path=identifiers, include="", additional="")


# Without a filter on it only unarchived ones come, as clients of older revisions report; what
# 2026-10-15 does is not known.
UNARCHIVED = {"archived": "equals(archived,false)"}
DATED = {"created": AT_OR_WITHIN, "updated": AT_OR_WITHIN}
NAMED = {"id": ID, "name": NAME} | DATED
SAME = text("equals")
CREATED_ID_NAME = "created id name updated"

# fmt: off
CAMPAIGN = (M, "campaigns:read")
CAMPAIGNS = (
    Endpoint("/api/campaigns", "campaign", *CAMPAIGN, Page(100, 100),
             sort="created_at id name updated_at",
             filters={"id": ID, "name": text("contains"), "archived": FLAG, "builder": SAME,
                      "created_at": WITHIN, "updated_at": WITHIN},
             include="campaign-audiences campaign-messages tags", unasked=UNARCHIVED),
    Endpoint("/api/campaigns/{id}", "campaign", *CAMPAIGN,
             include="campaign-audiences campaign-messages tags"),
    *_both("/api/campaigns/{id}/campaign-messages", "campaign-message", *CAMPAIGN,
           page=Page(100), include="campaign"),
    *_both("/api/campaigns/{id}/campaign-audiences", "campaign-audience", *CAMPAIGN),
    *_both("/api/campaigns/{id}/tags", "tag", S, "campaigns:read tags:read"),
    Endpoint("/api/campaign-messages", "campaign-message", *CAMPAIGN, Page(20, 100),
             sort="created id name status updated",
             filters={"id": ID_OR_SAME, "campaign_id": SAME, "name": text("contains"),
                      "status": SAME, "created": WITHIN, "updated": WITHIN},
             include="campaign"),
    Endpoint("/api/campaign-messages/{id}", "campaign-message", *CAMPAIGN,
             include="campaign campaign-variations"),
    *_both("/api/campaign-messages/{id}/campaign", "campaign", *CAMPAIGN),
    *_both("/api/campaign-messages/{id}/campaign-audience", "campaign-audience", *CAMPAIGN),
    *_both("/api/campaign-messages/{id}/campaign-variations", "campaign-variation", *CAMPAIGN),
    Endpoint("/api/campaign-variations/{id}", "campaign-variation", *CAMPAIGN,
             include="campaign-message"),
    *_both("/api/campaign-variations/{id}/campaign-message", "campaign-message", *CAMPAIGN),
    Endpoint("/api/campaign-audiences/{id}", "campaign-audience", *CAMPAIGN,
             include="campaign campaign-messages"),
    *_both("/api/campaign-audiences/{id}/campaign", "campaign", *CAMPAIGN),
    *_both("/api/campaign-audiences/{id}/campaign-messages", "campaign-message", *CAMPAIGN,
           page=Page(100)),
)
FLOW = (S, "flows:read")
FLOWS = (
    Endpoint("/api/flows", "flow", *FLOW, Page(50, 50),
             sort="created id name status trigger_type updated",
             filters=NAMED | {"status": SAME, "archived": FLAG, "trigger_type": SAME},
             include="flow-actions tags", unasked=UNARCHIVED),
    Endpoint("/api/flows/{id}", "flow", *FLOW,
             include="flow-actions tags", additional="definition"),
    *_both("/api/flows/{id}/flow-actions", "flow-action", *FLOW, page=Page(50, 50),
           sort="action_type created id status updated",
           filters={"id": ID, "action_type": ID_OR_SAME, "status": SAME} | DATED),
    *_both("/api/flows/{id}/tags", "tag", S, "flows:read tags:read"),
    Endpoint("/api/flow-actions/{id}", "flow-action", *FLOW, include="flow flow-messages"),
    *_both("/api/flow-actions/{id}/flow", "flow", *FLOW),
    *_both("/api/flow-actions/{id}/flow-messages", "flow-message", *FLOW, page=Page(50, 50),
           sort=CREATED_ID_NAME, filters=NAMED),
    Endpoint("/api/flow-messages/{id}", "flow-message", *FLOW, include="flow-action template"),
    *_both("/api/flow-messages/{id}/flow-action", "flow-action", *FLOW),
    *_both("/api/flow-messages/{id}/template", "template", S, "templates:read"),
)
GROUP = {"id": ID_OR_SAME, "name": ID_OR_SAME, "created": AFTER, "updated": AFTER}
MEMBER = {"email": ID_OR_SAME, "phone_number": ID_OR_SAME, "push_token": ID_OR_SAME,
          "_kx": SAME, "joined_group_at": WITHIN}
PERSONAL: dict[str, Any] = {"additional": "subscriptions predictive_analytics",
                            "slow": {"predictive_analytics": M}}


def _groups(kind: str, own: dict[str, Filter], members: dict[str, Filter]) -> Iterator[Endpoint]:
    """Lists or segments, and who is in them."""
    path, scope, include = f"/api/{kind}s", f"{kind}s:read", "flow-triggers tags"
    yield Endpoint(path, kind, L, scope, Page(10, 10), CREATED_ID_NAME, own, include)
    yield Endpoint(f"{path}/{{id}}", kind, L, scope, include=include,
                   additional="profile_count", slow={"profile_count": XS})
    yield from _both(f"{path}/{{id}}/profiles", "profile", L, f"{scope} profiles:read",
                     page=Page(20, 100), sort="joined_group_at", filters=members, **PERSONAL)
    yield from _both(f"{path}/{{id}}/tags", "tag", S, f"{scope} tags:read")
    yield from _both(f"{path}/{{id}}/flow-triggers", "flow", S, f"{scope} flows:read")


EMAIL = "subscriptions.email.marketing"
PEOPLE = (
    *_groups("list", GROUP, MEMBER),
    *_groups("segment",
             GROUP | {"is_active": Filter("boolean", ("any", "equals")), "is_starred": FLAG},
             MEMBER | {"profile_id": ID_OR_SAME}),
    Endpoint("/api/profiles", "profile", L, "profiles:read", Page(20, 100),
             sort=f"created email id updated {EMAIL}.suppression.timestamp"
                  f" {EMAIL}.list_suppressions.timestamp",
             filters={"id": ID_OR_SAME, "email": ID_OR_SAME, "phone_number": ID_OR_SAME,
                      "external_id": ID_OR_SAME, "_kx": SAME,
                      "created": BETWEEN, "updated": BETWEEN,
                      f"{EMAIL}.suppression.reason": SAME,
                      f"{EMAIL}.suppression.timestamp": WITHIN,
                      f"{EMAIL}.list_suppressions.reason": SAME,
                      f"{EMAIL}.list_suppressions.timestamp": WITHIN,
                      f"{EMAIL}.list_suppressions.list_id": SAME},
             **PERSONAL),
    Endpoint("/api/profiles/{id}", "profile", L, "profiles:read", **PERSONAL),
)
EVENTS = (
    Endpoint("/api/events", "event", XL, "events:read", Page(200, 1000),
             sort="datetime timestamp",
             filters={"metric_id": SAME, "profile_id": SAME, "profile": PRESENT,
                      "metric": PRESENT, "datetime": WITHIN, "timestamp": Filter("number", ORDER)},
             include="attributions metric profile"),
    Endpoint("/api/events/{id}", "event", M, "events:read",
             include="attributions metric profile"),
    *_both("/api/events/{id}/metric", "metric", XL, "events:read metrics:read"),
    *_both("/api/events/{id}/profile", "profile", XL, "events:read profiles:read"),
)
METRIC = (S, "metrics:read")
METRICS = (
    Endpoint("/api/metrics", "metric", M, "metrics:read", Page(200),
             filters={"integration.name": SAME, "integration.category": SAME},
             include="flow-triggers"),
    Endpoint("/api/metrics/{id}", "metric", M, "metrics:read", include="flow-triggers"),
    *_both("/api/metrics/{id}/flow-triggers", "flow", M, "flows:read metrics:read"),
    Endpoint("/api/mapped-metrics", "mapped-metric", *METRIC, include="custom-metric metric"),
    Endpoint("/api/mapped-metrics/{id}", "mapped-metric", *METRIC, include="custom-metric metric"),
    *_both("/api/mapped-metrics/{id}/metric", "metric", *METRIC),
    *_both("/api/mapped-metrics/{id}/custom-metric", "custom-metric", *METRIC),
    Endpoint("/api/custom-metrics", "custom-metric", *METRIC, include="metrics"),
    Endpoint("/api/custom-metrics/{id}", "custom-metric", *METRIC, include="metrics"),
    *_both("/api/custom-metrics/{id}/metrics", "metric", *METRIC),
    Endpoint("/api/metric-aggregates", "metric-aggregate", *METRIC),
)
TAG = (S, "tags:read")
TAGS = (
    Endpoint("/api/tags", "tag", *TAG, Page(50, 50), "id name", {"name": NAME}, "tag-group"),
    Endpoint("/api/tags/{id}", "tag", *TAG, include="tag-group"),
    *_both("/api/tags/{id}/tag-group", "tag-group", *TAG),
    *(Endpoint(f"/api/tags/{{id}}/relationships/{kind}s", kind, S, f"{kind}s:read tags:read")
      for kind in ("campaign", "flow", "list", "segment")),
    Endpoint("/api/tag-groups", "tag-group", *TAG, Page(25, 25), "id name",
             {"name": NAME, "exclusive": FLAG, "default": FLAG}),
    Endpoint("/api/tag-groups/{id}", "tag-group", *TAG),
    *_both("/api/tag-groups/{id}/tags", "tag", *TAG),
)
TITLED = {"id": ID_OR_SAME, "name": text("any", "contains", "equals")}
TEMPLATES = (
    Endpoint("/api/templates", "template", L, "templates:read", Page(10, 10), CREATED_ID_NAME,
             TITLED | DATED, additional="definition"),
    Endpoint("/api/templates/{id}", "template", L, "templates:read", additional="definition"),
)
FORM = (S, "forms:read")
FORM_STATE = {"created_at": WITHIN, "updated_at": WITHIN, "status": SAME}
FORMS = (
    Endpoint("/api/forms", "form", *FORM, Page(20, 100), "created_at updated_at",
             TITLED | FORM_STATE | {"ab_test": FLAG}),
    Endpoint("/api/forms/{id}", "form", *FORM, always="definition"),
    *_both("/api/forms/{id}/form-versions", "form-version", *FORM, page=Page(20, 100),
           sort="created_at updated_at", filters=FORM_STATE | {"form_type": ID_OR_SAME}),
    Endpoint("/api/form-versions/{id}", "form-version", *FORM, include="form"),
    *_both("/api/form-versions/{id}/form", "form", *FORM),
)
# fmt: on
REPORTS = tuple(
    Endpoint(f"/api/{subject}-{answer}-reports", f"{subject}-{answer}-report", REPORT, scope)
    for subject, answers in (
        ("campaign", ("values",)),
        ("flow", ("values", "series")),
        ("form", ("values", "series")),
        ("segment", ("values", "series")),
    )
    for answer in answers
    for scope in [f"{subject}s:read"]
)
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/api/accounts", "account", XS, "accounts:read"),
    Endpoint("/api/accounts/{id}", "account", XS, "accounts:read"),
    *(*CAMPAIGNS, *FLOWS, *PEOPLE, *EVENTS, *METRICS, *TAGS, *TEMPLATES, *FORMS, *REPORTS),
)


def route(path: str) -> tuple[Endpoint, str] | None:
    """Return the endpoint at a path and the id in it; None if there is none."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match is not None:
            return endpoint, match.groupdict().get("id", "")
    return None
