"""A team's store: a DuckLake whose catalog is in PostgreSQL, in the place of the DuckDB file."""
