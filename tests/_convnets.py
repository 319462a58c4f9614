"""Small images and convolutional networks for several test files."""

import numpy as np

from skneural import ConvNetClassifier, ConvNetRegressor

RNG = np.random.default_rng(0)
Y = np.arange(45) % 3
# 6x6 pixels, noise and a bar: vertical, horizontal or none, in different places
IMAGES = RNG.normal(scale=0.3, size=(45, 6, 6))
for _image, _label, _place in zip(IMAGES, Y, RNG.integers(1, 5, 45), strict=True):
    if _label < 2:
        np.moveaxis(_image, _label, 0)[_place] += 2
X = IMAGES[..., None]
FLAT = X.reshape(45, 36)
SIGNALS = (
    RNG.normal(scale=0.5, size=(45, 12, 2)) + Y[:, None, None] * np.sin(np.arange(12))[:, None]
)
DEFAULTS = {
    "filters": (3, 4),
    "hidden_layer_sizes": (6,),
    "learning_rate": 1e-3,
    "schedule": "constant",
    "alpha": 1e-4,
    "batch_size": 16,
    "max_iter": 2,
    "patience": None,
    "random_state": 0,
}


def classifier(*args, **params):
    return ConvNetClassifier(*args, **{**_defaults(args), **params})


def regressor(*args, **params):
    return ConvNetRegressor(*args, **{**_defaults(args), **params})


def _defaults(args):
    return {name: value for name, value in DEFAULTS.items() if not (args and name == "filters")}


def theta(own):
    return own.network_.theta
