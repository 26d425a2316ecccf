"""How the rows of a compressed prompt are stored: as they were computed, or in 8 bits with a scale for each row."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


@dataclass(frozen=True)
class StoredRows:
    """Rows of keys or values in their stored form.

    Attributes:
        codes: What is stored of each number.
        scale: Factor on the codes of each row; None where they are the numbers themselves.
    """

    codes: Shaped[Tensor, "rows dim"]
    scale: Float[Tensor, "rows 1"] | None = None

    def read(self, start: int, end: int, dtype: torch.dtype) -> Float[Tensor, "part dim"]:
        """Return a range of rows as numbers of a type: a view where they are stored as such."""
        codes = self.codes[start:end].to(dtype)
        return codes if self.scale is None else (codes * self.scale[start:end]).to(dtype)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the tensors that are held."""
        return (self.codes,) if self.scale is None else (self.codes, self.scale)


class RowFormat(ABC):
    """A way to store rows.

    Attributes:
        encoded: Whether rows must be decoded before attention reads them.
    """

    encoded: ClassVar[bool] = True

    @abstractmethod
    def store(self, rows: Float[Tensor, "rows dim"]) -> StoredRows:
        """Bring rows, which own their storage, into the stored form."""

    @abstractmethod
    def row_bytes(self, dim: int, itemsize: int) -> int:
        """Bytes of one row of `dim` numbers that were computed with `itemsize` bytes each."""


@dataclass(frozen=True)
class AsComputed(RowFormat):
    """Rows stay in the type that the model computes in."""

    encoded: ClassVar[bool] = False

    def store(self, rows: Float[Tensor, "rows dim"]) -> StoredRows:
        """Keep the rows as they are."""
        return StoredRows(rows)

    def row_bytes(self, dim: int, itemsize: int) -> int:
        """Return `dim * itemsize`."""
        return dim * itemsize


@dataclass(frozen=True)
class EightBits(RowFormat):
    """One byte for each number and a float32 scale for each row, `max |x| / largest code`.

    Attributes:
        dtype: `torch.int8`, whose error is at most 1/254 of the row's largest number, or `torch.float8_e4m3fn`, whose
            error is at most 1/16 of each number itself down to 2^-6/448 of the largest.
    """

    dtype: torch.dtype = torch.int8

    def store(self, rows: Float[Tensor, "rows dim"]) -> StoredRows:
        """Scale each row to the range of the codes and round."""
        wide = rows.float()
        largest = torch.finfo(self.dtype).max if self.dtype.is_floating_point else torch.iinfo(self.dtype).max
        scale = wide.abs().amax(-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny * largest) / largest
        codes = wide / scale
        codes = codes if self.dtype.is_floating_point else codes.round()
        return StoredRows(codes.clamp(-largest, largest).to(self.dtype), scale)

    def row_bytes(self, dim: int, itemsize: int) -> int:
        """Return `dim` bytes and 4 for the scale."""
        return dim + 4
