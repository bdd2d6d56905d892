"""nbtrack: the experiment tracker that lives in the notebook."""
