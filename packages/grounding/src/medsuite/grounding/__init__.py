"""Abnormality grounding with decomposed medical knowledge.

Not released: this distribution holds its metadata only.
"""
