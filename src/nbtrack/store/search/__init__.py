"""Searching: a filter becomes a tree (``grammar``), the tree becomes SQL (``sql``)."""
