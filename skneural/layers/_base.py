"""The contract of a layer."""


class Layer:
    """One step of a network: forward stands beside backward.

    A layer is first described (`__init__`), then built (`build`), and is plain data until
    it is bound. `Network` binds a copy of it, so that the description itself never holds
    an array. All arrays are addressed by negative axes: a leading model axis may stand
    before `(n_samples, n_features)`.

    Attributes
    ----------
    param_shapes : dict of str to tuple
        Shapes of the parameters, set by `build`. The one called ``"weight"`` is
        penalized; the others are not.
    """

    param_shapes: dict = {}

    def __repr__(self):
        return f"{type(self).__name__}{self.param_shapes.get('weight', '')}"

    def build(self, input_shape):
        """Set `param_shapes` and return the output shape, both without the batch axis."""
        return input_shape

    def init_params(self, params, rng):
        """Write initial values into `params`, a dict of arrays; draws come from `rng`."""

    def bind(self, ops, params, grads, batch_shape, dtype):
        """Keep views of parameters and gradients and allocate the workspace.

        Parameters
        ----------
        ops : module
            The engine, such as `skneural.ops._numpy`.
        params, grads : dict of str to ndarray
            Views into the flat vectors. `grads` is None when only predicting.
        batch_shape : tuple of int
            ``(..., batch_size) + input_shape`` of the largest batch to come.
        dtype : numpy dtype
            The dtype of all arrays.
        """

    def forward(self, x, *, training):
        """Return the output for `x`: a borrowed view of the workspace."""
        raise TypeError(f"{type(self).__name__} does not define forward.")

    def backward(self, dy, *, need_dx=True):
        """Overwrite the parameters' gradients; return the loss's gradient for `x`.

        May destroy `dy`. Returns None when `need_dx` is False.
        """
        raise TypeError(f"{type(self).__name__} does not define backward.")
