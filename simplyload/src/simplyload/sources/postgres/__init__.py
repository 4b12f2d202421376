"""PostgreSQL as a source: copy in chunks, poll by a cursor, or stream the write-ahead log."""
