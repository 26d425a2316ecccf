"""Simulated questions: one latent patient, three renderings, answers that no text gives away."""

from medsuite.med_r1.simulation.patients import Clinic
from medsuite.med_r1.simulation.questions import ANSWERS, MODALITIES, simulate

__all__ = ["ANSWERS", "MODALITIES", "Clinic", "simulate"]
