"""Benchmarks of language models in the clinic and in finance, with honest baselines.

Not released: this distribution holds its metadata only.
"""
