"""The raw tables: their columns, and how one JSON value or document becomes a cell or row."""
