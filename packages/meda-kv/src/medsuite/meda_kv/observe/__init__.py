"""Attention statistics taken while the prompt is read, in memory linear in its length."""
