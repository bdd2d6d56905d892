"""How good a model is: scores, figures, tables, and what ``nbtrack.evaluate`` makes of them."""
