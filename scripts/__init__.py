"""What an operator runs: `.venv/bin/python -m scripts.<name>`."""
