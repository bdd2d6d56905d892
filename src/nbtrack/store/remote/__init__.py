"""A tracking server as the store: MLflow's protocol spoken to it, a local store as its mirror."""
