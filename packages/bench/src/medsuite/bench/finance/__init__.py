"""MME-Finance: its files, its scores, pictures with computed answers, scorers and baselines."""
