"""Twelve-lead electrocardiograms from a moving dipole, with labels that are the causes put in."""

from medsuite.ecg_align.simulate.findings import FINDINGS, Finding, finding
from medsuite.ecg_align.simulate.simulator import SimulatedBatch, Simulator

__all__ = ["FINDINGS", "Finding", "SimulatedBatch", "Simulator", "finding"]
