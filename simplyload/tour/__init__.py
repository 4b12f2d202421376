"""A tour through all sources: four simulated systems with the same customers, two warehouses."""
