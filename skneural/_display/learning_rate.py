"""LearningRateDisplay: the training loss over a learning rate that grows."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from skneural._checks.parameters import number
from skneural._display.axes import COLOURS, Style, import_matplotlib, one_axes, plain
from skneural._inspection.rate_range import range_test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMOOTHING = 0.25  # standard deviation of the Gaussian weights, in decades of the rate
_OF_BATCHES = "_losses of batches"  # with an underscore it is not in the legend
_BELOW_MINIMUM = 10  # how many times lower than that of the lowest loss the suggestion is


class LearningRateDisplay:
    """Training loss of a short fit whose learning rate grows from batch to batch.

    As long as the rate is too low, the loss hardly falls; then it falls steeply; where the
    rate is too high, it rises again. This is the range test of [1]_. The suggested rate is a
    tenth of the one with the lowest smoothed loss, as ``lr_min`` in [2]_: there the loss still
    falls, and the rate is not so high that training might diverge.

    Make it with `from_estimator`. Parameters are stored as attributes.

    Parameters
    ----------
    learning_rates : array-like of shape (n_steps,)
        Learning rate of every batch, in ascending order.
    losses : array-like of shape (n_steps,)
        Training loss of every batch, before its step.
    estimator_name : str, default=None
        Name for the legend.

    Attributes
    ----------
    smoothed_losses_ : ndarray of shape (n_steps,)
        Mean of the losses at similar rates: with Gaussian weights whose standard deviation is
        a quarter of a decade of the rate.
    suggested_rate_ : float or None
        A tenth of the rate with the lowest smoothed loss; None if the loss does not fall.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure of the axes.
    line_ : Line2D
        The smoothed losses.
    points_ : Line2D
        The losses of the batches.

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
        """Train a clone for one batch per rate, and draw the loss.

        Parameters
        ----------
        estimator : estimator
            An estimator of skneural, a Pipeline that ends in one, or a fitted search over
            them, of which the best is taken. A clone of it is trained: the estimator itself
            need not be fitted, and is not changed. Its parameters `learning_rate`,
            `schedule`, `decay`, `max_iter`, `early_stopping` and `shuffle` have no effect:
            batches are drawn from all samples in random order.
        X : {array-like, CSR matrix} of shape (n_samples, n_features)
            Training data, as for `fit` of the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as for `fit` of the estimator.
        min_rate : float, default=1e-6
            Learning rate of the first batch, above 0.
        max_rate : float, default=10.0
            Learning rate of the last batch, above `min_rate`. The fit ends before if the
            loss is no longer finite, or rises to more than four times its first values.
        n_steps : int, default=200
            Number of batches, at least 10. The rate grows by the same factor from each one to
            the next. With more of them per decade of the rate, the network has learned more
            before the rate is high, and the suggested rate may be lower.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend, to tell several estimators apart.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the smoothed losses.

        Returns
        -------
        display : LearningRateDisplay
            With the curve drawn.

        Warns
        -----
        UserWarning
            If X should be scaled, as `fit` does.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If a parameter, a parameter of the estimator or the data is not what is allowed,
            if the solver is ``"lbfgs"``, which has no learning rate, or if the loss is not
            finite at the lowest rate.
        """
        import_matplotlib(f"{cls.__name__}.from_estimator")
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
        """Draw the loss over the learning rate, and mark the suggested rate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend, instead of `estimator_name`.
        **kwargs : dict
            Passed to matplotlib's ``plot`` for the smoothed losses.

        Returns
        -------
        display : LearningRateDisplay
            This display.
        """
        name = self.estimator_name if name is None else name
        ax = one_axes(ax, f"{type(self).__name__}.plot")
        self._look_for_rate()
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

    def _look_for_rate(self) -> None:
        """Smooth the losses and set the suggested rate."""
        decades = np.log10(self.learning_rates)
        distances = np.subtract.outer(decades, decades) / _SMOOTHING
        weights = np.exp(-0.5 * distances**2)
        self.smoothed_losses_ = weights @ self.losses / weights.sum(axis=1)
        lowest = int(self.smoothed_losses_.argmin())
        self.suggested_rate_ = None
        if lowest > 0:
            self.suggested_rate_ = float(self.learning_rates[lowest]) / _BELOW_MINIMUM
