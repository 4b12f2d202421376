"""The streams of a sync: what is requested of Klaviyo, and what runs each kind of stream."""

from streams.registry import REPORTING, STREAMS, TABLES

__all__ = ["REPORTING", "STREAMS", "TABLES"]
