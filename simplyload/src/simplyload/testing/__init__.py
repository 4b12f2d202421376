"""Tests for a source of your own: docs/write_a_source.md.

kit       SourceKit: rows of faults, kills and changes; your subclass says what the source has
server    a server on 127.0.0.1 for a fake of an API
memory    a destination in memory, which says what the right rows are
kills     processes that are killed before each of their steps
processes processes without the time to import, which kills and tests of commands use
"""

from simplyload.testing.kit import SourceKit

__all__ = ["SourceKit"]
