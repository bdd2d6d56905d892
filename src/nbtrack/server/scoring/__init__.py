"""A model over HTTP, as ``mlflow models serve`` offers it."""
