"""What is shown of models: their facts, the form to try them, and the card in the notebook."""
