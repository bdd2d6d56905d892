"""What happens in the notebook: magics, what a tracked cell gives, the card under the cell."""
