"""The table of runs: its queries, its rows, its columns, and what leaves it."""
