"""The demonstration: a real PostgreSQL server with a small shop and a running workload."""
