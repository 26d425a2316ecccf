"""A simulated hospital whose best possible predictor can be computed."""
