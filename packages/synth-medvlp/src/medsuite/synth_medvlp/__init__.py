"""Medical vision-language pre-training on synthetic data.

Not released: this distribution holds its metadata only.
"""
