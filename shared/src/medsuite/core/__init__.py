"""The thin core of medsuite: what at least two of its packages need, and nothing else.

Importing it costs nothing. Import the module of the concern: `medsuite.core.stats`, `medsuite.core.runs`, ...
"""
