"""Asking a policy, scoring what it says, and the controls that belong beside an accuracy."""
