"""Fits of convolutional networks: blocks of a 3 x 3 convolution and max pooling by 2."""

import numpy as np
from _data import images, mnist
from _harness import OURS, SKORCH, TORCH, Work


def contestants(shape, filters):
    def ours(X, y):
        from skneural import ConvNetClassifier

        return lambda: ConvNetClassifier(
            filters,
            solver="sgd",
            learning_rate=0.05,
            momentum=0.0,
            nesterovs_momentum=False,
            batch_size=64,
            max_iter=1,
            patience=np.inf,
        ).fit(X, y)

    def by_torch(kind):
        def make(X, y):
            import _torch

            contestant = _torch.by_hand if kind == TORCH else _torch.by_skorch
            settings = {"solver": "sgd", "rate": 0.05, "batch_size": 64, "epochs": 1}
            return contestant(lambda: _torch.convolutional(shape, filters), **settings)(X, y)

        return make

    return {OURS: ours, TORCH: by_torch(TORCH), SKORCH: by_torch(SKORCH)}


def step_flops(shape, filters):
    """Of the products for one image, as in mlp.py, with a head of 64 and 10 units."""
    height, width, channels = shape
    products = []
    for n_filters in filters:
        products.append(2 * height * width * 9 * channels * n_filters)
        height, width, channels = height // 2, width // 2, n_filters
    products += [2 * height * width * channels * 64, 2 * 64 * 10]
    return 3 * sum(products) - products[0]


def works(quick):
    def mnist_images(n_rows):
        X, y = mnist(n_rows)
        return X.reshape(-1, 28, 28, 1), y

    sources = {
        "MNIST": (mnist_images, (28, 28, 1), (16, 32), 6_400),
        "32 x 32 x 3": (images, (32, 32, 3), (32, 64, 128), 1_280),
    }
    for title, (data, shape, filters, n_rows) in sources.items():
        n_rows = 128 if quick else n_rows
        yield Work(
            f"convnet-{shape[0]}",
            f"ConvNet {filters} on {title}, sgd, batch 64, {n_rows:,} images",
            lambda data=data, n_rows=n_rows: data(n_rows),
            contestants(shape, filters),
            flops=n_rows * step_flops(shape, filters),
            memory=not quick,
        )
