"""MLflow's REST protocol: what its clients ask is answered from a store of nbtrack."""
