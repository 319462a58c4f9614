"""
What does a convolution see?
============================

A convolution lays a small kernel on every place of a signal or of an image, multiplies what
lies below it by the kernel and adds up. The kernel ``[-1, 1]`` is zero on even ground and
answers where the signal rises; ``[1, -1]`` answers where it falls.

A network that measures how much a signal goes up and down is built from these two kernels by
hand: rectifiers keep what is positive, and the mean over all places is the answer.
`coefs_init` puts the kernels in, and it is right to the last digits without any training.
The same network is then trained from random weights on examples alone. Nobody tells it about
edges, but it finds both kernels, up to a factor, which the next layer takes back.

In two dimensions a kernel that is negative on the left and positive on the right answers to
upright edges, the same kernel turned to level ones. The lower pictures show a digit, what
two hand-made kernels answer to it, and the kernels that a network learns when it
has to tell digits apart. Some of them look like edges in one or the other direction, but
most are of no kind that has a name.
"""

import numpy as np
from _common import finish, plt, read_study, square_side, study_parser
from scipy.signal import correlate

from skneural import ConvNetClassifier, ConvNetRegressor, WeightsDisplay

LENGTH = 16
KERNELS = {"upright edges": np.outer([1, 2, 1], [-1, 0, 1]) / 4}
KERNELS["level edges"] = KERNELS["upright edges"].T


# %%
# One dimension
# -------------
# The signals are steps up and down; the target is how much each goes up or down, on average,
# from one place to the next.
def signals(n, seed):
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.normal(size=(n, LENGTH // 2)), 2, axis=1)  # every level twice
    return X, np.abs(np.diff(X)).mean(axis=1)


def edge_network(**params):
    """Two kernels of two weights, rectifiers, the mean over all places, one output."""
    network = ConvNetRegressor(2, kernel_size=2, input_shape=(LENGTH, 1), padding="valid")
    network.set_params(pool="global_average", hidden_layer_sizes=(), patience=None)
    network.set_params(normalize_y=False)  # so that the kernels are in the units of the signal
    return network.set_params(alpha=0.0, **params)


def by_hand(X, y):
    """The network as it is before training: one step at a rate too low to change it."""
    kernels = np.array([[[-1.0, 1.0]], [[1.0, -1.0]]])  # (length, channels, kernels)
    network = edge_network(max_iter=1, learning_rate=1e-15)
    return network.fit(X, y, coefs_init=[kernels, np.ones((2, 1))])


def learned(X, y, args):
    """The best of five networks on the rows that they learn from: some starts get stuck."""
    fits = [
        edge_network(max_iter=10 * args.epochs, learning_rate=0.03, schedule="cosine")
        .set_params(random_state=args.seed + i, batch_size=32)
        .fit(X, y)
        for i in range(5)
    ]
    return min(fits, key=lambda network: network.loss_)


# %%
# Two dimensions
# --------------
def classifier(X, y, args):
    side = square_side(X)
    network = ConvNetClassifier((16, 32), input_shape=(side, side, 1), batch_size=32)
    network.set_params(max_iter=args.epochs, patience=None, random_state=args.seed)
    return network.fit(X, y)


def plot(network, image, images):
    figure = plt.figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subfigures(2, 1)
    signal, drawn = above.subplots(1, 2)
    x = signals(1, seed=3)[0][0]
    signal.step(range(LENGTH), x, where="mid", color="#777777", label="signal")
    kernels = network.coefs_[0][:, 0]
    for i, (colour, style) in enumerate((("#0072B2", "o-"), ("#D55E00", "s--"))):
        answer = np.maximum(correlate(x, kernels[:, i], "valid"), 0)
        label = f"answer to learned kernel {i + 1}"
        signal.plot(np.arange(LENGTH - 1) + 0.5, answer, style, color=colour, label=label)
        drawn.bar(np.arange(2) + 0.3 * i - 0.15, kernels[:, i], 0.25, color=colour)
    signal.set_xlabel("place")
    signal.legend(fontsize="small")
    drawn.axhline(0, color="black", linewidth=0.8)
    drawn.set_xticks(range(2), ["first weight", "second weight"])
    drawn.set_title("the two learned kernels")

    panels = below.subplots(1, 4, width_ratios=[1, 1, 1, 1.3])
    panels[0].imshow(image, cmap="Greys")
    panels[0].set_title("digit")
    for panel, (name, kernel) in zip(panels[1:], KERNELS.items(), strict=False):
        answer = correlate(image, kernel, "same")
        panel.imshow(answer, cmap="RdBu_r", vmin=-2, vmax=2)
        panel.set_title(f"{name}, by hand")
    for panel in panels[:3]:
        panel.set_axis_off()
    WeightsDisplay.from_estimator(images, ax=panels[3])
    panels[3].set_title("16 learned kernels")
    return figure


def main(argv=None):
    parser = study_parser("What does a convolution see?", "convolution.png", epochs=15)
    args, X, X_test, y, y_test = read_study(parser, argv)
    rows, test = signals(500, args.seed), signals(200, args.seed + 1)
    networks = {"by hand": by_hand(*rows), "learned": learned(*rows, args)}
    print("Up and down of a signal  largest error on 200 others   kernel 1, kernel 2")
    for name, network in networks.items():
        error = np.abs(network.predict(test[0]) - test[1]).max()
        kernels = np.round(network.coefs_[0][:, 0].T, 3)
        print(f"{name:24} {error:27.2g}   {kernels[0]}, {kernels[1]}")
    scaled, scaled_test = X / X.max(), X_test / X.max()
    images = classifier(scaled, y, args)
    print(f"\nDigits: test accuracy {images.score(scaled_test, y_test):.4f}")
    side = square_side(X)
    finish(plot(networks["learned"], scaled[0].reshape(side, side), images), args.output)
    return networks, test


if __name__ == "__main__":
    main()
