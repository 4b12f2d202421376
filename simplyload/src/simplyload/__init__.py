"""Replication that is provably exact: sources into a warehouse, by a replayable change log."""
