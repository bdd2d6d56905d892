"""Scoring without a transport: what comes in as JSON, CSV or Parquet, and what goes out."""
