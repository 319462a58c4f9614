"""Write `embeddings.json`: steps of PyTorch's sparse optimizers on embeddings, in float64.

    python tests/data/embeddings.py

The inputs are a category with an embedding and one number, which are followed by a linear
layer. The loss is half the squared error, averaged over the rows of a batch. The embedding has
sparse gradients, so that only its rows that occur in a batch change. Its first row occurs in
no batch.
"""

import json
from pathlib import Path

import torch

N_LEVELS, WIDTH, BATCH = 5, 3, 4
RATE = 0.05
# Epsilon is outside of a bias correction in SparseAdam: so small, it makes no difference.
OPTIMIZERS = {
    "adam": lambda table, rest: (
        torch.optim.SparseAdam([table], lr=RATE, eps=1e-14),
        torch.optim.Adam(rest, lr=RATE, eps=1e-14),
    ),
    "sgd": lambda table, rest: (torch.optim.SGD([table, *rest], lr=RATE),),
    "adagrad": lambda table, rest: (
        torch.optim.Adagrad([table], lr=RATE, eps=1e-10),
        torch.optim.Adagrad(rest, lr=RATE, eps=1e-10),
    ),
}


def trained(
    name: str, table: torch.Tensor, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> dict[str, list]:
    """Return the parameters after one pass over the rows in their order."""
    embedding = torch.nn.Embedding(N_LEVELS, WIDTH, sparse=True, dtype=torch.float64)
    linear = torch.nn.Linear(1 + WIDTH, 1, dtype=torch.float64)
    with torch.no_grad():
        embedding.weight.copy_(table)
        linear.weight.copy_(weight.T)
        linear.bias.zero_()
    optimizers = OPTIMIZERS[name](embedding.weight, list(linear.parameters()))
    for start in range(0, len(x), BATCH):
        rows = slice(start, start + BATCH)
        inputs = torch.cat([x[rows, :1], embedding(x[rows, 1].long())], dim=1)
        loss = ((linear(inputs) - y[rows]) ** 2).sum() / 2 / len(x[rows])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return {
        "table": embedding.weight.tolist(),
        "weight": linear.weight.T.tolist(),
        "bias": linear.bias.tolist(),
    }


def main() -> None:
    """Generate data and initial parameters, and write the results of every optimizer."""
    generator = torch.Generator().manual_seed(0)
    options = {"generator": generator, "dtype": torch.float64}
    table = torch.randn(N_LEVELS, WIDTH, **options)
    weight = torch.randn(1 + WIDTH, 1, **options)
    # the last level occurs in the first batch alone
    levels = torch.tensor([1, 4, 1, 2, 2, 2, 3, 3, 1, 3, 3, 2, 1, 1], dtype=torch.float64)
    x = torch.stack([torch.randn(len(levels), **options), levels], dim=1)
    y = torch.randn(len(levels), 1, **options)
    content = {"batch_size": BATCH, "rate": RATE, "x": x.tolist(), "y": y.tolist()}
    content |= {"table": table.tolist(), "weight": weight.tolist()}
    content["after"] = {name: trained(name, table, weight, x, y) for name in OPTIMIZERS}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
