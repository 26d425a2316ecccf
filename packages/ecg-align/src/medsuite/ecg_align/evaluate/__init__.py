"""The experiments behind the claims: zero-shot on compositions never trained, and any leads with one set of weights."""
