"""One small file for each framework."""
