"""Write `losses_and_links.json`: losses and their gradients, from PyTorch in float64.

    python tests/data/losses_and_links.py

The gradients come from automatic differentiation. The formulas are repeated here, so that the
numbers do not depend on skneural. The loss of a row is the sum over its outputs, as in
skneural. The mean over the rows is taken with or without weights.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def gamma(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Half the gamma deviance with a log link, without terms that depend only on y."""
    return z + y * torch.exp(-z)


def squared(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Half the squared error."""
    return (prediction - y) ** 2 / 2


def absolute(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The absolute error."""
    return (prediction - y).abs()


def huber(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Huber loss with delta 0.7."""
    return torch.nn.functional.huber_loss(prediction, y, reduction="none", delta=0.7)


def quantiles(prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Pinball losses for the quantiles 0.1, 0.5 and 0.9, one column each."""
    levels = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    error = y - prediction
    return torch.maximum(levels * error, (levels - 1) * error)


LINKS = {
    "log": torch.exp,
    "logit": torch.sigmoid,
    "logit_-1_3": lambda z: -1 + 4 * torch.sigmoid(z),
}


def through(link: Callable[[torch.Tensor], torch.Tensor], loss: Loss) -> Loss:
    """Return a loss that applies a link to the raw predictions."""
    return lambda z, y: loss(link(z), y)


def case(loss: Loss, z: list, y: torch.Tensor, weight: torch.Tensor) -> dict:
    """Return the mean of a loss over the rows, and its gradient for the raw predictions."""
    found: dict = {"target": y.tolist()}
    for name, share in (
        ("mean", torch.full_like(weight, 1 / len(weight))),
        ("weighted_mean", weight / weight.sum()),
    ):
        raw = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        value = (loss(raw, y).sum(dim=1) * share).sum()
        value.backward()
        found[name] = value.item()
        found[f"grad_z_of_{name}"] = raw.grad.tolist()
    return found


def main() -> None:
    """Generate raw predictions, targets and weights, and write all cases."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(6, 3, generator=generator, dtype=torch.float64) * 1.5
    noise = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    weight = torch.rand(6, generator=generator, dtype=torch.float64) * 3
    weight[2] = 0.0
    cases = {"gamma": case(gamma, z.tolist(), torch.exp(noise), weight)}
    for loss in (squared, absolute, huber):
        for name, link in LINKS.items():
            y = link(noise) + 0.3 * noise
            made = case(through(link, loss), z.tolist(), y, weight)
            cases[f"{loss.__name__}_{name}"] = made
    cases["quantiles"] = case(quantiles, z.tolist(), noise[:, :1].repeat(1, 3), weight)
    content = {"z": z.tolist(), "sample_weight": weight.tolist(), "cases": cases}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
