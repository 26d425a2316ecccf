"""The paper's two neural networks. Both see one vector a patient, so that both are multilayer perceptrons in effect."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Selection = Callable[[Float[np.ndarray, "row label"]], float]


class CodeTransformer(nn.Module):
    """A linear map to 64 units, two encoder layers over a sequence of length one, and a linear head.

    The released code hands a batch to its encoder as a sequence, so that patients of a batch attend to each other and a
    prediction depends on who else is tested. Here each patient is alone.
    """

    def __init__(self, features: int, labels: int, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Linear(features, width)
        self.position = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        layer = nn.TransformerEncoderLayer(width, 4, dim_feedforward=4 * width, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, labels)

    def forward(self, codes: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch label"]:
        """Return logits."""
        embedded = self.embedding(codes)[:, None]
        return self.head(self.encoder(embedded + self.position(embedded))[:, 0])


class CodeLSTM(nn.Module):
    """Two LSTM layers of 512 units over a sequence of length one, and a linear head."""

    def __init__(self, features: int, labels: int, width: int = 512) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, width, 2, batch_first=True, dropout=0.1)
        self.head = nn.Linear(width, labels)

    def forward(self, codes: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch label"]:
        """Return logits."""
        return self.head(self.lstm(codes[:, None])[0][:, -1])


def train_network(
    network: nn.Module,
    X: Float[np.ndarray, "row feature"],
    y: Int[np.ndarray, " row"],
    X_validation: Float[np.ndarray, "validation feature"],
    selection: Selection,
    *,
    generator: torch.Generator,
    epochs: int = 20,
    learning_rate: float = 1e-4,
    batch: int = 32,
) -> nn.Module:
    """Train with Adam and keep the epoch that is best on validation.

    Args:
        network: Is trained in place.
        X: Training rows.
        y: Their labels, from 0.
        X_validation: Validation rows.
        selection: Takes the validation probabilities and returns what to maximise.
        generator: Decides the order of rows.
        epochs: Passes over the rows.
        learning_rate: Of Adam.
        batch: Rows a step.
    """
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    best, state = -np.inf, copy.deepcopy(network.state_dict())
    for _ in range(epochs):
        network.train()
        for chosen in torch.randperm(len(rows), generator=generator).split(batch):
            loss = nn.functional.cross_entropy(network(rows[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        score = selection(predict_network(network, X_validation))
        if score > best:
            best, state = score, copy.deepcopy(network.state_dict())
    network.load_state_dict(state)
    return network


@torch.no_grad()
def predict_network(network: nn.Module, X: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row label"]:
    """Return probabilities."""
    network.eval()
    return network(torch.from_numpy(X)).softmax(-1).double().numpy()
