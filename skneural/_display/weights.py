"""WeightsDisplay: the weights of a layer as images."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeGuard

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skneural._display.axes import Style, import_matplotlib, one_axes
from skneural._inspection.find_network import fitted_network
from skneural._network.array_types import Shape
from skneural._network.layers.flatten import Flatten
from skneural._network.network import Network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar


class WeightsDisplay:
    """Images of the weights of a layer, one for each unit or filter.

    Positive weights are red, negative weights blue, and zeros white. All images have the same
    scale.

    It is recommended to use `from_estimator` to create a `WeightsDisplay`. All parameters are
    stored as attributes.

    Parameters
    ----------
    images : array-like of shape (n_units, n_channels, height, width)
        One image for each unit and each of its input channels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the images. With one channel, the images fill a grid row by row. With
        several channels, there is one row per unit and one column per channel.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    im_ : AxesImage
        All images in one array, separated by NaN.
    colorbar_ : Colorbar or None
        The scale of the weights.

    See Also
    --------
    WeightsDisplay.from_estimator : Draw the weights of a fitted estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import MLPClassifier, WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((6,), max_iter=2, patience=None, random_state=0)
    >>> display = WeightsDisplay.from_estimator(clf.fit(X / 16, y))  # the digits are 8 x 8
    >>> display.images.shape
    (6, 1, 8, 8)
    """

    colorbar_: "Colorbar | None"

    def __init__(self, *, images: ArrayLike) -> None:
        self.images = images

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        layer: int = 0,
        image_shape: Sequence[int] | None = None,
        ax: "Axes | None" = None,
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of skneural, a Pipeline that ends in one, or a fitted search
            over them.
        layer : int, default=0
            Index of the layer in `coefs_`, where 0 is the first layer after the input.
        image_shape : tuple of int, default=None
            Shape (height, width) or (height, width, channels) of the inputs of a dense layer.
            If None, the shape of the images before `Flatten` is used, and without `Flatten`
            that of a square image with one channel. It must be None for a convolutional
            layer.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        colorbar : bool, default=True
            Whether to draw a colorbar.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``imshow``.

        Returns
        -------
        display : WeightsDisplay
            The display, with its images drawn.
        """
        import_matplotlib(f"{cls.__name__}.from_estimator")
        network = fitted_network(estimator)
        coefs = network.coefs_
        if not _is_integer(layer) or not -len(coefs) <= layer < len(coefs):
            raise ValueError(
                f"layer must be an integer from 0 to {len(coefs) - 1}, got {layer!r}."
            )
        if image_shape is None:
            image_shape = _shape_before_flatten(network.network_, layer % len(coefs))
        images = _images(np.array(coefs[layer]), image_shape)
        return cls(images=images).plot(ax=ax, colorbar=colorbar, **kwargs)

    def plot(self, ax: "Axes | None" = None, *, colorbar: bool = True, **kwargs: Any) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        colorbar : bool, default=True
            Whether to draw a colorbar.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``imshow``.

        Returns
        -------
        display : WeightsDisplay
            This display.
        """
        ax = one_axes(ax, f"{type(self).__name__}.plot")
        images = np.asarray(self.images)
        largest = np.abs(images).max() or 1.0
        style: Style = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        style["interpolation"] = "nearest"  # one pixel per weight
        self.im_ = ax.imshow(_mosaic(images), **{**style, **kwargs})
        ax.set_axis_off()
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.im_, ax=ax, label="weight", shrink=0.8)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _shape_before_flatten(network: Network, layer: int) -> Shape | None:
    """Return the shape of the images before Flatten, or None without a Flatten."""
    weighted = [i for i, one in enumerate(network.layers) if "weight" in one.param_shapes]
    before = weighted[layer] - 1
    if before < 0 or not isinstance(network.layers[before], Flatten):
        return None
    shape = network.input_shapes[before]
    return {1: None, 2: (1, *shape), 3: shape}[len(shape)]


def _images(weights: np.ndarray, image_shape: Sequence[int] | None) -> np.ndarray:
    """Return the weights of a layer in the shape (n_units, n_channels, height, width)."""
    if weights.ndim == 3:  # a 1-D convolution: (length, channels, units)
        weights = weights[None]
    if weights.ndim == 4:  # a 2-D convolution: (height, width, channels, units)
        if image_shape is not None:
            raise ValueError(
                "image_shape must be None for a convolutional layer, whose filters have the "
                f"shape {weights.shape[:2]}; got {image_shape!r}."
            )
        return weights.transpose(3, 2, 0, 1)
    n_inputs = weights.shape[0]
    if image_shape is None:
        side = math.isqrt(n_inputs)
        if side * side != n_inputs:
            raise ValueError(
                f"image_shape must be given, such as (height, width): the {n_inputs} inputs "
                "of this layer do not form a square."
            )
        image_shape = side, side
    shape = tuple(image_shape) if isinstance(image_shape, list | tuple) else ()
    is_shape = len(shape) in (2, 3) and all(_is_integer(n) and n > 0 for n in shape)
    if not is_shape or math.prod(shape) != n_inputs:
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels), with the "
            f"product {n_inputs}, the inputs of this layer; got {image_shape!r}."
        )
    images = weights.T.reshape(-1, *shape, *([1] if len(shape) == 2 else []))
    return images.transpose(0, 3, 1, 2)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Return all images in one array, separated by one pixel of NaN."""
    n_units, n_channels, height, width = images.shape
    if n_channels == 1:
        n_columns = math.ceil(math.sqrt(n_units))
        n_rows = math.ceil(n_units / n_columns)
    else:
        n_rows, n_columns = n_units, n_channels
    tiles = np.full((n_rows * n_columns, height + 1, width + 1), np.nan)
    tiles[: n_units * n_channels, :-1, :-1] = images.reshape(-1, height, width)
    tiles = tiles.reshape(n_rows, n_columns, height + 1, width + 1).swapaxes(1, 2)
    return tiles.reshape(n_rows * (height + 1), n_columns * (width + 1))[:-1, :-1]
