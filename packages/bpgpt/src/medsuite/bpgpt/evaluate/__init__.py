"""Scores of decoded text, nulls without a brain, and the experiments behind the claims."""
