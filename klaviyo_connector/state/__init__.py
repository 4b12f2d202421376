"""What the connector keeps between syncs."""
