"""One layer after the prompt, as allocators measure it and selectors score it."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.observer import LayerObserver
from medsuite.meda_kv.observe.scores import WindowRows, window_rows


@dataclass(frozen=True)
class LayerView:
    """One layer after the prompt.

    Attributes:
        index: The layer's index in the model.
        keys: Keys after the rotary embedding.
        valid: Slots that are no padding.
        vision: Slots of images or video frames.
        observed: The layer's attention statistics.
    """

    index: int
    keys: Float[Tensor, "batch kv_heads slots dim"]
    valid: Bool[Tensor, "batch slots"]
    vision: Bool[Tensor, "batch slots"]
    observed: LayerObserver

    def window(self, queries: int) -> WindowRows:
        """Return the attention rows of the prompt's last queries, or of all where the prompt is shorter.

        Raises:
            InputError: No queries were kept while the prompt was read.
        """
        seen = self.observed
        if seen.queries is None:
            raise InputError("no window of queries was observed", fix="prefill with a recipe whose parts need it")
        last = seen.queries[:, :, -queries:]
        return window_rows(last, self.keys, self.valid, scale=seen.scale, softcap=seen.softcap)

    def behind_vision(self, queries: int) -> WindowRows:
        """Return the rows of the window that are text behind the last picture; all of it where there are none."""
        window = self.window(queries)
        later = self.vision.flip(-1).cumsum(-1).flip(-1) == 0
        return window.only(later[:, -window.rows.shape[1] :])
