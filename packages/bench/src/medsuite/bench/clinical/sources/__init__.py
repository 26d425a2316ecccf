"""Readers of hospital databases in their released layouts."""
