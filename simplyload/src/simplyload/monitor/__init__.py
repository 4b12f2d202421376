"""What an operator sees of the runs: metrics, health, alerts."""
