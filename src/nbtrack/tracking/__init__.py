"""What a live run does: the run itself, its environment, its artifacts."""
