"""Models: what a run has trained, kept so that it comes back."""
