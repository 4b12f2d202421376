"""What the connector remembers between syncs."""
