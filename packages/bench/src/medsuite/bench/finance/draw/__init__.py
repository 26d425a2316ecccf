"""Pictures with computed answers: a market, its indicators, and the six picture types."""
