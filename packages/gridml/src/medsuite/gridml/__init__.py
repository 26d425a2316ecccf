"""Machine learning surrogates on unstructured grids, measured against the solver.

Not released: this distribution holds its metadata only.
"""
