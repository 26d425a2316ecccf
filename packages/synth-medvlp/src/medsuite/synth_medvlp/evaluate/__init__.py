"""The claim as an experiment: cohorts, arms, decisions and drawings."""
