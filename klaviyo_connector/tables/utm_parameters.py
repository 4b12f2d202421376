"""Derives the link parameters of a flow's messages from its actions. Pure."""

from tables.jsonapi import Json, get_path, related_resources

PARAMETERS = "utm-parameters"  # a relationship that Klaviyo does not have
MESSAGE = ("attributes", "definition", "data", "message")


def derive_utm_parameters(flow: Json) -> Json:
    """The flow with one resource for each parameter that a message sets for its own links."""
    parameters = [
        {"flow_message_id": get_path(action, (*MESSAGE, "id")), **parameter}
        for action in related_resources(flow, "flow-actions")
        for parameter in get_path(action, (*MESSAGE, "custom_tracking_params")) or []
        if isinstance(parameter, dict)
    ]
    return {**flow, "related": {**flow["related"], PARAMETERS: parameters}}
