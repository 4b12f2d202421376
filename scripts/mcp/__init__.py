"""The metrics for an assistant, over the Model Context Protocol: `.venv/bin/python -m scripts.mcp`.

catalog.py says what can be asked, question.py checks a question, sql.py writes it as SQL, answer.py
asks the warehouse, and server.py offers it as tools.
"""
