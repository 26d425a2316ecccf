"""The review's statements as experiments; see `medsuite.gridml.claims`."""
