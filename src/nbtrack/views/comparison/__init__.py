"""Runs side by side: their columns, what params matter, and what is kept of it."""
