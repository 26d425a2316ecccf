import pytest
import torch

from medsuite.synth_medvlp import clip_loss

open_clip = pytest.importorskip("open_clip")


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_the_loss_and_its_gradients_are_those_of_open_clip(scale, generator):
    first, second = torch.randn(2, 7, 16, generator=generator, dtype=torch.float64).unbind()
    ours, theirs = [], []
    for results in (ours, theirs):
        image, text = first.clone().requires_grad_(), second.clone().requires_grad_()
        if results is ours:
            value = clip_loss(image, text, scale)
        else:
            unit = [torch.nn.functional.normalize(side, dim=-1) for side in (image, text)]
            value = open_clip.ClipLoss()(*unit, scale)
        value.backward()
        results += [value.detach(), image.grad, text.grad]
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)
