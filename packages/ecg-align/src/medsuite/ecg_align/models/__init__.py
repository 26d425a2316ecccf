"""Encoders of recordings, the query network, and the frozen text encoder."""
