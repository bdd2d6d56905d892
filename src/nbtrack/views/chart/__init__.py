"""Charts of metrics: their curves, and what is shown and kept of them."""
