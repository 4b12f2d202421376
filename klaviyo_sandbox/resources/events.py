"""Events and their attributions. Their content comes from the simulation."""

from __future__ import annotations

from klaviyo_sandbox.resources.declaration import (
    COMPARISONS,
    EQUALS,
    PRESENT,
    TIME_RANGE,
    XL,
    Endpoint,
    Filter,
    M,
    Page,
    ResourceType,
    relationship_endpoints,
)

EVENT = ResourceType(
    name="event",
    attributes="datetime event_properties timestamp uuid",
    relationships={"profile": "profile", "metric": "metric", "attributions": "attribution*"},
    left_out="attributions",
    id_pattern="[0-9a-f]+",
    malformed_id=("/data/id", "Invalid Event ID: '{id}'"),
    endpoints=(
        Endpoint(
            "/api/events", "event", XL, "events:read", Page(200, 1000),
            sort="datetime timestamp",
            filters={"metric_id": EQUALS, "profile_id": EQUALS, "profile": PRESENT,
                     "metric": PRESENT, "datetime": TIME_RANGE,
                     "timestamp": Filter("number", COMPARISONS)},
            include="attributions metric profile",
        ),
        Endpoint("/api/events/{id}", "event", M, "events:read",
                 include="attributions metric profile"),
        *relationship_endpoints("/api/events/{id}/metric", "metric", XL,
                                "events:read metrics:read"),
        *relationship_endpoints("/api/events/{id}/profile", "profile", XL,
                                "events:read profiles:read"),
    ),
)  # fmt: skip
ATTRIBUTION = ResourceType(
    name="attribution",
    relationships={
        "event": "event",
        "attributed-event": "event",
        "campaign": "campaign",
        "campaign-message": "campaign-message",
        "flow": "flow",
        "flow-message": "flow-message",
        "flow-message-variation": "flow-message-variation",
    },
)
