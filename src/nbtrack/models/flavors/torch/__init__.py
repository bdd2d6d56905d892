"""PyTorch: weights, structure, exported programs, checkpoints."""
