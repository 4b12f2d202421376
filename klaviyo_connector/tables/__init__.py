"""Converts JSON: a value to the type of a column, and a JSON:API document to its parts."""
