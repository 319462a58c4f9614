"""LearningRateDisplay: the training loss while the learning rate increases."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from skneural._checks.parameters import number
from skneural._display.axes import (
    COLOURS,
    Style,
    check_axes,
    import_matplotlib,
    one_axes,
    plain,
)
from skneural._inspection.rate_range import range_test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMOOTHING = 0.25  # standard deviation of the Gaussian weights, in decades of the rate
_OF_BATCHES = "_losses of batches"  # the underscore keeps it out of the legend
_BELOW_MINIMUM = 10  # ratio of the rate with the lowest loss to the suggested rate


class LearningRateDisplay:
    """Training loss of a short fit whose learning rate increases with every mini-batch.

    While the rate is too low, the loss hardly decreases. It then decreases steeply, and
    increases again where the rate is too high. This is the range test of [1]_. The suggested
    rate is a tenth of the rate with the lowest smoothed loss, as ``lr_min`` in [2]_. At this
    rate the loss still decreases, and the rate is not so high that training might diverge.

    The losses include the penalty of `alpha`. The suggested rate is a start for a search, and
    need not be better than the default. On nine data sets of 105 to 500 training samples, its
    mean test score was higher than that of the default rate on six of them (by 0.04 at most)
    and lower on three (by 0.006 at most).

    It is recommended to use `from_estimator` to create a `LearningRateDisplay`. All parameters
    are stored as attributes.

    Parameters
    ----------
    learning_rates : array-like of shape (n_steps,)
        Learning rate of every mini-batch, in ascending order.
    losses : array-like of shape (n_steps,)
        Training loss of every mini-batch, computed before the update of the weights.
    estimator_name : str, default=None
        Name of the estimator in the legend.

    Attributes
    ----------
    smoothed_losses_ : ndarray of shape (n_steps,)
        Weighted mean of the losses at similar rates. The weights are Gaussian, with a standard
        deviation of a quarter of a decade of the rate.
    suggested_rate_ : float or None
        A tenth of the rate with the lowest smoothed loss, or None if the loss does not
        decrease.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that contains the axes.
    line_ : Line2D
        The smoothed losses.
    points_ : Line2D
        The losses of the mini-batches.

    See Also
    --------
    LearningRateDisplay.from_estimator : Run the range test and draw it.
    LossCurveDisplay : Loss, score and learning rate of every epoch of a fit.

    References
    ----------
    .. [1] L. Smith, Cyclical learning rates for training neural networks, IEEE Winter
       Conference on Applications of Computer Vision, 2017.
    .. [2] J. Howard and S. Gugger, fastai: a layered API for deep learning, Information 11(2),
       2020.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import LearningRateDisplay, MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((64,), random_state=0)
    >>> display = LearningRateDisplay.from_estimator(clf, X / 16, y)
    >>> 1e-3 < display.suggested_rate_ < 1e-1
    True
    >>> clf = clf.set_params(learning_rate=display.suggested_rate_).fit(X / 16, y)
    """

    def __init__(
        self,
        *,
        learning_rates: np.ndarray,
        losses: np.ndarray,
        estimator_name: str | None = None,
    ) -> None:
        self.learning_rates = learning_rates
        self.losses = losses
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: object,
        y: object,
        *,
        min_rate: float = 1e-6,
        max_rate: float = 10.0,
        n_steps: int = 200,
        ax: "Axes | None" = None,
        name: str | None = None,
        **kwargs: object,
    ) -> "LearningRateDisplay":
        """Train a clone with one mini-batch per rate, and draw the loss.

        Parameters
        ----------
        estimator : estimator
            An estimator of skneural, a Pipeline that ends in one, or a fitted search over
            them, whose best estimator is used. A clone is trained, so the estimator need not
            be fitted and is not changed. Its parameters `learning_rate`, `schedule`, `decay`,
            `max_iter`, `early_stopping` and `shuffle` have no effect, because mini-batches
            are drawn from all samples in random order.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training data, as for `fit` of the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as for `fit` of the estimator.
        min_rate : float, default=1e-6
            Learning rate of the first mini-batch, greater than 0.
        max_rate : float, default=10.0
            Learning rate of the last mini-batch, greater than `min_rate`. The fit ends earlier
            if the loss is no longer finite, or increases to more than four times its first
            values.
        n_steps : int, default=200
            Number of mini-batches, at least 10. The rate increases by the same factor from
            each one to the next. With more mini-batches per decade of the rate, the network
            has learned more before the rate is high, and the suggested rate may be lower.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        name : str, default=None
            Name of the estimator in the legend, to distinguish several curves.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``plot`` for the smoothed losses.

        Returns
        -------
        display : LearningRateDisplay
            The display, with its curve drawn.

        Warns
        -----
        UserWarning
            If X should be scaled, as in `fit`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If a parameter, a parameter of the estimator or the data is invalid, if the solver
            is ``"lbfgs"``, which has no learning rate, or if the loss is not finite at the
            lowest rate.
        """
        import_matplotlib(f"{cls.__name__}.from_estimator")
        check_axes(ax)
        number(0, open_low=True)("min_rate", min_rate)
        number(min_rate, open_low=True)("max_rate", max_rate)
        number(10, integer=True)("n_steps", n_steps)
        rates = np.geomspace(min_rate, max_rate, n_steps)
        losses = range_test(estimator, X, y, rates)
        if not len(losses):
            raise ValueError(
                f"The loss is not finite at min_rate={min_rate!r}, before the first step: the "
                "values of X or y may be too large. Scale X to unit variance, for example with "
                "StandardScaler."
            )
        display = cls(learning_rates=rates[: len(losses)], losses=losses, estimator_name=name)
        return display.plot(ax, name=name, **kwargs)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: object
    ) -> "LearningRateDisplay":
        """Draw the loss against the learning rate, and mark the suggested rate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.
        name : str, default=None
            Name of the estimator in the legend. If None, `estimator_name` is used.
        **kwargs : dict
            Keyword arguments passed to matplotlib's ``plot`` for the smoothed losses.

        Returns
        -------
        display : LearningRateDisplay
            This display.
        """
        name = self.estimator_name if name is None else name
        ax = one_axes(ax, f"{type(self).__name__}.plot")
        self._suggest_rate()
        n_before = sum(line.get_label() == _OF_BATCHES for line in ax.lines)
        style: Style = {
            "color": COLOURS[n_before % len(COLOURS)],
            "label": plain(name or "smoothed"),
        }
        rates = self.learning_rates
        (self.line_,) = ax.plot(rates, self.smoothed_losses_, **{**style, **kwargs})
        colour = self.line_.get_color()
        style = {"color": colour, "alpha": 0.3, "markersize": 4, "label": _OF_BATCHES}
        (self.points_,) = ax.plot(rates, self.losses, ".", **style)
        if self.suggested_rate_ is not None:
            label = f"suggested rate: {self.suggested_rate_:.2g}"
            ax.axvline(self.suggested_rate_, color=colour, linestyle=":", label=label)
        ax.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        ax.legend(fontsize="small")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _suggest_rate(self) -> None:
        """Smooth the losses and set the suggested rate."""
        decades = np.log10(self.learning_rates)
        distances = np.subtract.outer(decades, decades) / _SMOOTHING
        weights = np.exp(-0.5 * distances**2)
        self.smoothed_losses_ = weights @ self.losses / weights.sum(axis=1)
        lowest = int(self.smoothed_losses_.argmin())
        self.suggested_rate_ = None
        if lowest > 0:
            self.suggested_rate_ = float(self.learning_rates[lowest]) / _BELOW_MINIMUM
