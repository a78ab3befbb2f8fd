"""Reading a pack's sources: tables through DuckDB, the graph's checks, pictures."""
