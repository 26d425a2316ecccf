"""Reinforcement learning for medical visual question answering, with its controls.

Not released: this distribution holds its metadata only.
"""
