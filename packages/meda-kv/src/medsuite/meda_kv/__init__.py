"""Smaller multimodal KV caches for decoders in transformers.

Not released: this distribution holds its metadata only.
"""
