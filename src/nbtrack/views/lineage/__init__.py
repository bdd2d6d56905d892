"""Where a run, a number or a model comes from: all of the chain, as text, graph and RO-Crate."""
