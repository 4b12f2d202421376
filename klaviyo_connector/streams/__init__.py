"""The streams of a sync: what is requested of Klaviyo, and what runs each kind of stream."""

from streams.catalog import STREAMS
from streams.registry import REPORTING, TABLES

__all__ = ["REPORTING", "STREAMS", "TABLES"]
