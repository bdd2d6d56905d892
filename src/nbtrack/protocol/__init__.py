"""MLflow's REST protocol, in both directions: what the server, the mirror and exports share."""
