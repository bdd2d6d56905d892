"""MLflow's module paths, and the package ``mlflow`` itself for code that imports it."""
