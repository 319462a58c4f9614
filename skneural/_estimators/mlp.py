"""The base class of the dense networks: converting parameters to layers."""

from collections.abc import Mapping, Sequence
from typing import Self, cast

from skneural._checks import layer_parameters as check_layers
from skneural._checks import parameters as check
from skneural._checks.foreign_names import keyword_advice
from skneural._engine.optimizers import OPTIMIZERS
from skneural._estimators.base import BaseNeuralNetwork
from skneural._network.array_types import Shape
from skneural._network.initializers import WEIGHT_INITS
from skneural._network.layers.activations import ACTIVATIONS
from skneural._network.layers.base import Layer
from skneural._network.layers.batch_norm import BatchNorm
from skneural._network.layers.dense import Dense
from skneural._network.layers.dropout import Dropout
from skneural._network.layers.noise import GaussianNoise
from skneural._network.layers.user_activation import ElementwiseFunction, activation_layer


class BaseMLP(BaseNeuralNetwork):
    """Base class of all networks with dense layers, with their parameters and layers."""

    activation: str | ElementwiseFunction | Sequence[str | ElementwiseFunction]
    batch_norm: bool
    dropout: float | Sequence[float]
    hidden_layer_sizes: int | Sequence[int]
    n_hidden_layers: int | None
    weight_init: str

    _parameter_checks: Mapping[str, check.CheckValue] = {
        "hidden_layer_sizes": check_layers.layer_sizes,
        "n_hidden_layers": check_layers.number_of_layers,
        "batch_norm": check.boolean,
        "solver": check.one_of(*OPTIMIZERS, "lbfgs"),
        "learning_rate": check.learning_rate,
        "power_t": check.number(0),
        "decay": check.number(0, 1, open_low=True),
        "batch_size": check.either("auto", check.number(1, integer=True)),
        "max_iter": check.number(0, integer=True),
        "patience": check.patience,
        "tol": check.number(0),
        "max_fun": check.number(1, integer=True),
        "target_score": check.either(None, check.number()),
        "early_stopping": check.boolean_or_auto,
        "validation_fraction": check.number(0, 1, open_low=True, open_high=True),
        "scoring": check.scorer,
        "alpha": check.either("auto", check.number(0)),
        "l1_ratio": check.number(0, 1),
        "input_noise": check.number(0),
        "max_grad_norm": check.either(None, check.number(0, open_low=True)),
        "weight_init": check.one_of("auto", *WEIGHT_INITS),
        "dtype": check.one_of("auto", "float32", "float64"),
        "momentum": check.number(0, 1, open_high=True),
        "nesterovs_momentum": check.boolean,
        "beta_1": check.number(0, 1, open_high=True),
        "beta_2": check.number(0, 1, open_high=True),
        "rho": check.number(0, 1, open_high=True),
        "epsilon": check.number(0, open_low=True),
        "shuffle": check.boolean,
        "warm_start": check.boolean,
        "verbose": check.boolean_or_level,
        "on_interrupt": check.one_of("raise", "warn"),
        "random_state": check.random_state,
    }

    def set_params(self, **params: object) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Parameters by name. The parameters of a schedule object have names such as
            ``schedule__period``.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        ValueError
            If there is no parameter with such a name. No parameter has been set then.

        Examples
        --------
        >>> from skneural import MLPClassifier
        >>> MLPClassifier().set_params(learning_rate=0.01)
        MLPClassifier(learning_rate=0.01)
        """
        known = self.get_params(deep=False)
        for name in params:
            if name.partition("__")[0] not in known:
                try:
                    super().set_params(**{name: params[name]})  # has its own advice
                except ValueError as error:
                    raise ValueError(f"{error}{keyword_advice(name, known)}") from None
        return super().set_params(**params)

    def _check_parameters(self) -> None:
        self._activations_and_dropouts()  # first, because the next checks use the values
        super()._check_parameters()

    def _n_blocks(self) -> int:
        return 0

    def _hidden_sizes(self) -> tuple[int, ...]:
        """Return the number of units of every hidden layer."""
        return check_layers.repeated_sizes(
            "hidden_layer_sizes",
            self.hidden_layer_sizes,
            "n_hidden_layers",
            self.n_hidden_layers,
        )

    def _activations_and_dropouts(
        self,
    ) -> tuple[tuple[str | ElementwiseFunction, ...], tuple[float, ...]]:
        """Return the activation and the dropout of every block, then of every hidden layer."""
        n_layers, what = len(self._hidden_sizes()), "hidden layers"
        if self._n_blocks():
            n_layers, what = n_layers + self._n_blocks(), "blocks and hidden layers"
        known = check.one_of_or_object(*ACTIVATIONS, methods=("f", "df"))
        rate = check.number(0, 1, open_high=True)
        activations = check_layers.per_layer(
            "activation", self.activation, n_layers, known, what
        )
        dropouts = check_layers.per_layer("dropout", self.dropout, n_layers, rate, what)
        return (
            cast(tuple[str | ElementwiseFunction, ...], activations),
            cast(tuple[float, ...], dropouts),
        )

    def _build_layers(self, input_shape: Shape, output_shape: Shape | None) -> list[Layer]:
        """Return descriptions of the layers, without the output layer if its shape is None."""
        return [*self._noise(), *self._head(output_shape)]

    def _noise(self) -> list[Layer]:
        return [GaussianNoise(float(self.input_noise))] if self.input_noise else []

    def _scheme(self, activation: str | ElementwiseFunction) -> str:
        auto = self.weight_init == "auto"
        return activation_layer(activation).weight_init if auto else self.weight_init

    def _head(self, output_shape: Shape | None) -> list[Layer]:
        """Return the hidden dense layers and the output layer."""
        layers: list[Layer] = []
        sizes = self._hidden_sizes()
        n_blocks, (activations, dropouts) = self._n_blocks(), self._activations_and_dropouts()
        own = activations[n_blocks:], dropouts[n_blocks:]
        for units, activation, dropout in zip(sizes, *own, strict=True):
            layers.append(Dense(units, self._scheme(activation)))
            if self.batch_norm:
                layers.append(BatchNorm())
            layers.append(activation_layer(activation))
            if dropout:
                layers.append(Dropout(float(dropout)))
        if output_shape is None:
            return layers
        return [*layers, Dense(output_shape[0], self._scheme("identity"))]
