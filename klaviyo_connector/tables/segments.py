"""Whether Klaviyo is still computing a segment, and its number of people."""

from tables.jsonapi import Json, get_path

PROCESSING = ("attributes", "is_processing")


def is_processing(segment: Json) -> bool:
    """Whether Klaviyo is still computing who is in a segment.

    Until then it lists and counts too few people, or none (nickdnk/klaviyo-php-sdk,
    get_segment.200.json: `is_processing: true, profile_count: 0`).
    """
    return get_path(segment, PROCESSING) is True


def derive_profile_count(segment: Json) -> Json:
    """The segment without a number of people while Klaviyo is still computing it."""
    if not is_processing(segment):
        return segment
    return {**segment, "attributes": {**segment["attributes"], "profile_count": None}}
