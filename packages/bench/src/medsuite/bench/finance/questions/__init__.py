"""Questions about generated pictures, with answers computed from the drawn arrays."""
