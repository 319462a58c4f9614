"""Forward and backward through layers that are bound to some rows of a batch."""

from skneural.ops import _numpy as ops


class Pass:
    """The layers of a network, with a workspace for a batch or for a part of it.

    Parameters
    ----------
    network : Network
    n_rows : int
        The most samples to come.
    grad : OUT ndarray of shape (..., n_params)
        Where the gradient goes.
    rng : numpy.random.Generator
        Where layers such as dropout draw from.

    Attributes
    ----------
    way_back : list of (Layer, bool)
        The layers in the order of their backward, and whether each is asked for the gradient
        of its input.
    """

    def __init__(self, network, n_rows, grad, rng):
        self.loss, self.grad = network.loss, grad
        self.layers = network.bound_layers(n_rows, grad, rng)
        shape = (*network.theta.shape[:-1], n_rows, *network.output_shape)
        self.raw_grad = ops.empty(shape, network.dtype)
        # nobody asks for the gradient of the input, nor for what stands before it
        first = next(i for i, layer in enumerate(self.layers) if layer.param_shapes)
        self.way_back = [(layer, True) for layer in self.layers[:first:-1]]
        self.way_back.append((self.layers[first], False))

    def forward(self, x):
        """Return the output of the last layer for some samples, as layers take them."""
        for layer in self.layers:
            x = layer.forward(x, training=True)
        return x

    def loss_and_grad(self, x, y, sample_weight, share=1.0):
        """Write the gradient of the loss of some samples; return the loss.

        `share` is what counts of both: the weight of these samples in their batch.
        """
        if share == 0:
            self.grad[...] = 0
            return 0.0
        raw = self.forward(x)
        delta = ops.leading_rows(self.raw_grad, y.shape[-2])
        loss = self.loss.loss_gradient(y, raw, sample_weight, gradient_out=delta)
        if share != 1:
            delta *= share
            loss *= share
        for layer, need_dx in self.way_back:
            delta = layer.backward(delta, need_dx=need_dx)
        return loss
