"""The store: one DuckDB file, the journals and artifacts beside it. The only folder that imports duckdb."""
