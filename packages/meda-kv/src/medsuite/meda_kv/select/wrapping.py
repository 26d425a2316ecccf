"""What selectors that build on another selector share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from medsuite.meda_kv.observe.observer import Statistic
from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class Wrapping(Selector):
    """A selector that changes another one's scores and is otherwise like it.

    Attributes:
        base: The other selector.
    """

    base: Selector

    @property
    def needs(self) -> frozenset[Statistic]:
        """What the base needs."""
        return self.base.needs

    @property
    def window(self) -> int:
        """The base's window."""
        return self.base.window

    def recent(self, budget: int) -> int:
        """The base's recent tokens."""
        return self.base.recent(budget)

    def bind(self, layer: Callable[[int], LayerView]) -> "Wrapping":
        """Bind the base."""
        return replace(self, base=self.base.bind(layer))
