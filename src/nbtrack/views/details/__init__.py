"""All there is to see of a run, what it is compared with, and the tree of runs."""
