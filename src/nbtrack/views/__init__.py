"""What runs look like: charts, cards and tables, live and finished. Nothing here writes."""
