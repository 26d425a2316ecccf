"""Language decoding from fMRI through brain prompts.

Not released: this distribution holds its metadata only.
"""
