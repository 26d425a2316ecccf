"""The dual encoder: a small network for films, two heads on frozen sentences, one shared space."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.texts import PADDING, SentenceBank


@dataclass(frozen=True)
class Sizes:
    """Sizes of a dual encoder.

    Attributes:
        widths: Channels of the convolutions; each halves the picture.
        text: Length of the frozen sentence vectors.
        dim: Length of the shared space.
    """

    widths: tuple[int, ...] = (12, 24, 40, 64)
    text: int = 384
    dim: int = 128


class DualEncoder(nn.Module):
    """Brings films and reports into one space, in which their dot product is their cosine.

    A film goes through strided convolutions, mean and maximum over what is left, and a head of two layers. A report
    is the mean of its projected sentences, so that a prompt of one sentence lives in the same space. Words and
    regions for GLoRIA are linear maps of token states and of the last but one convolution.

    Args:
        sizes: The sizes.
    """

    def __init__(self, sizes: Sizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes or Sizes()
        widths, dim = self.sizes.widths, self.sizes.dim
        channels = (1, *widths)
        self.stages = nn.ModuleList(
            _stage(before, after, 5 if place == 0 else 3)
            for place, (before, after) in enumerate(zip(channels, widths, strict=False))
        )
        self.image_head = _head(2 * widths[-1], dim)
        self.text_head = _head(self.sizes.text, dim)
        self.region_head = nn.Linear(widths[-2], dim, bias=False)
        self.word_head = nn.Linear(self.sizes.text, dim, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())
        self.register_buffer("text_centre", torch.zeros(self.sizes.text))
        self.register_buffer("text_deviation", torch.ones(()))

    def centre_texts(self, sentences: Float[Tensor, "sentence text"]) -> None:
        """Take the training sentences' mean off every sentence and divide by their standard deviation.

        Frozen sentence vectors share a large part; with it the loss stays at the logarithm of the batch for epochs.
        """
        centred = sentences - sentences.mean(0)
        self.text_centre, self.text_deviation = sentences.mean(0), centred.std().clamp(min=1e-6)

    def encode_images(self, films: UInt8[Tensor, "film height width"]) -> Float[Tensor, "film dim"]:
        """Return unit vectors of films."""
        return self._global(self._maps(films)[-1])

    def encode_regions(
        self, films: UInt8[Tensor, "film height width"]
    ) -> tuple[Float[Tensor, "film dim"], Float[Tensor, "film dim region"]]:
        """Return unit vectors of films, and their regions' features."""
        maps = self._maps(films)
        regions = self.region_head(maps[-2].flatten(2).transpose(1, 2)).transpose(1, 2)
        return self._global(maps[-1]), regions

    def encode_sentences(self, sentences: Float[Tensor, "sentence text"]) -> Float[Tensor, "sentence dim"]:
        """Return unit vectors of frozen sentence vectors."""
        return functional.normalize(self.text_head((sentences - self.text_centre) / self.text_deviation), dim=-1)

    def encode_reports(self, rows: Int[Tensor, "report sentence"], bank: SentenceBank) -> Float[Tensor, "report dim"]:
        """Return unit vectors of reports, each the mean of its sentences' unit vectors brought to length one."""
        used, place = rows.unique(return_inverse=True)
        vectors = self.encode_sentences(bank.pooled[used.clamp(min=0)])
        weights = (rows != PADDING).to(vectors.dtype)[..., None]
        return functional.normalize((vectors[place] * weights).sum(1), dim=-1)

    def encode_words(
        self, rows: Int[Tensor, "report sentence"], bank: SentenceBank
    ) -> tuple[Float[Tensor, "report dim word"], Bool[Tensor, "report word"]]:
        """Return word embeddings of reports, sentence after sentence, and which of them are words."""
        is_word = bank.is_token[rows.clamp(min=0)] & (rows != PADDING)[..., None]
        words = self.word_head(bank.tokens[rows.clamp(min=0)].flatten(1, 2))
        return words.transpose(1, 2), is_word.flatten(1)

    @property
    def scale(self) -> Float[Tensor, ""]:
        """The learned logit scale, 100 at most as in CLIP."""
        return self.log_scale.exp().clamp(max=100)

    def _maps(self, films: UInt8[Tensor, "film height width"]) -> list[Tensor]:
        least = 2 ** len(self.stages)
        if min(films.shape[1:]) < least:
            raise InputError(f"films of {films.shape[1]} x {films.shape[2]} pixels", expected=f"at least {least}")
        value = (films[:, None].float() / 255 - 0.5) / 0.25
        maps = []
        for stage in self.stages:
            value = stage(value.contiguous(memory_format=torch.channels_last))
            maps.append(value)
        return maps

    def _global(self, last: Float[Tensor, "film channel y x"]) -> Float[Tensor, "film dim"]:
        pooled = torch.cat([last.mean((2, 3)), last.amax((2, 3))], dim=1)
        return functional.normalize(self.image_head(pooled), dim=-1)


def save_model(model: DualEncoder, folder: Path) -> None:
    """Write a model as `model.safetensors` and `config.json`; a crash leaves the old files or the new ones.

    Args:
        model: The model.
        folder: Where to; created.
    """
    import json

    from safetensors.torch import save

    from medsuite.core.runs import write_atomically

    write_atomically(folder / "model.safetensors", save(model.state_dict()))
    write_atomically(folder / "config.json", json.dumps(asdict(model.sizes), indent=2) + "\n")


def load_model(folder: Path) -> DualEncoder:
    """Read a model that `save_model` wrote.

    Raises:
        InputError: A file is missing or damaged, or belongs to another network.
    """
    import json

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config, weights = folder / "config.json", folder / "model.safetensors"
    if missing := [path for path in (config, weights) if not path.is_file()]:
        raise InputError(f"{missing[0]} does not exist", expected="a folder that `synth-medvlp train` wrote")
    try:
        values = json.loads(config.read_text())
        model = DualEncoder(Sizes(tuple(values["widths"]), values["text"], values["dim"]))
        model.load_state_dict(load_file(weights))
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder} holds no usable model ({error})", fix="train it again") from error
    return model.eval()


def same_texts(rows: Int[Tensor, "report sentence"]) -> Bool[Tensor, "report report"]:
    """Tell which reports of a batch consist of the same sentences in the same order."""
    return (rows[:, None] == rows[None]).all(dim=2)


@torch.no_grad()
def embed_films(
    model: DualEncoder, films: UInt8[Tensor, "film height width"], batch_size: int = 256
) -> Float[Tensor, "film dim"]:
    """Encode films with a model in evaluation mode."""
    model.eval()
    parts: Sequence[Tensor] = [model.encode_images(batch) for batch in films.split(batch_size)]
    return torch.cat(list(parts))


def _stage(before: int, after: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def _head(before: int, dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(before, dim), nn.ReLU(), nn.Linear(dim, dim))
