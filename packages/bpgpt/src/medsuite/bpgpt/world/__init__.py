"""The micro-world: sentences of a slot grammar, their BOLD responses, and the exact Bayes decoder of both.

Everything here is simulated. It says whether a decoder works and how close to the ceiling, never how well people's
thoughts can be read.
"""

from medsuite.bpgpt.world.cortex import Cortex, hemodynamic_response
from medsuite.bpgpt.world.grammar import Grammar
from medsuite.bpgpt.world.oracle import Posterior, posterior
from medsuite.bpgpt.world.windows import MicroWorld, Windows

__all__ = ["Cortex", "Grammar", "MicroWorld", "Posterior", "Windows", "hemodynamic_response", "posterior"]
