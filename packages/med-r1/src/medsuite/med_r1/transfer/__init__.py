"""The experiment of the claim `med-r1/transfer`: its questions, its base, its arms, its decision and its figures."""
