"""Finite element solvers with measured orders of convergence, and the linear solvers they use."""
