"""summary(): the table of a network before and after fit, and in errors about its size."""

import re

import numpy as np
import pytest
from _convnets import FLAT, SIGNALS, X, Y, classifier, regressor
from _networks import ORACLE

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._estimators.auto_parameters import auto_batch_size
from skneural._network.layers.base import Layer
from skneural._network.summary import Summary, readable_bytes

BOTH = pytest.mark.parametrize("make", [classifier, regressor])
TABLES = ORACLE["d_network_shapes"]
FILTERS = {"net1": (16, 32, 32, 64, 64, 128), "net2": (128, 64, 64, 32, 32, 16)}


@pytest.mark.parametrize("cls", [ConvNetClassifier, ConvNetRegressor])
@pytest.mark.parametrize(
    ("name", "n_params"), [("net1", 42_968_388), ("net2", 5_812_276)], ids=["net1", "net2"]
)
def test_the_tables_of_the_oracle(cls, name, n_params):
    """1x224x224, pairs of convolutions of 5x5 and a pool of 5x5 every 2 pixels; dense."""
    own = cls(
        FILTERS[name], kernel_size=5, padding="valid", pool=(None, "max") * 3, pool_size=5,
        pool_strides=2, hidden_layer_sizes=(1024, 100), input_shape=(224, 224, 1),
        dtype="float32", batch_size=64,
    )  # fmt: skip
    table = own.summary()
    assert table.n_params == TABLES[name]["total_params"] == n_params
    rows = table.rows[1:]
    for row, expected in zip(rows, TABLES[name]["layers"], strict=True):
        channels, *pixels = expected["output_shape_CHW"]
        assert row.output_shape == (*pixels, channels), row
        assert row.n_params == expected["params"], row
        # the oracle counts them of convolutions and pools
        n_bytes = 64 * expected.get(
            "output_bytes_per_sample_float32", row.prediction_bytes / 64
        )
        assert (row.prediction_bytes, row.training_bytes) == (n_bytes, 2 * n_bytes), row
    values = sum(row.prediction_bytes for row in table.rows) // (64 * 4)
    assert values == TABLES[name]["activation_values_per_sample"]
    text = str(table)
    assert f"{n_params:,}" in text
    assert "in float32, for a batch of 64" in text
    assert len(text.splitlines()) == len(rows) + 4


@BOTH
def test_before_and_after_fit(make):
    own = make(batch_norm=True, dropout=0.1, input_noise=0.1, input_shape=(6, 6, 1))
    before = own.summary().rows
    with pytest.raises(ValueError, match="pass input_shape"):
        make().summary()
    assert make(batch_norm=True, dropout=0.1, input_noise=0.1).summary((6, 6, 1)).rows == before
    n_outputs = {classifier: 3, regressor: 1}[make]
    own.fit(X, Y)
    table = own.summary()
    assert table.rows[:-1] == before
    assert (table.rows[-1].output_shape, table.rows[-1].n_params) == (
        (n_outputs,),
        7 * n_outputs,
    )
    assert table.n_params == own.network_.n_params
    assert [row.name for row in before] == [
        "input, GaussianNoise",
        *("Conv2D 3 of 3x3", "BatchNorm", "MaxPool 2x2, strides 2x2, ReLU, Dropout 0.1"),
        *("Conv2D 4 of 3x3", "BatchNorm", "MaxPool 2x2, strides 2x2, ReLU, Dropout 0.1"),
        *("Flatten", "Dense 6", "BatchNorm, ReLU, Dropout 0.1"),
    ]
    own.set_params(filters=7)  # the table is that of the fitted network
    assert own.summary().rows == table.rows


@pytest.mark.parametrize("cls", [ConvNetClassifier, ConvNetRegressor])
def test_before_fit_the_error_says_how_a_shape_is_written(cls):
    with pytest.raises(ValueError, match="before fit") as info:
        cls().summary()
    for shape in ((28, 28, 1), (100, 3)):
        assert f"summary({shape})" in str(info.value)
        assert cls().summary(shape).rows[0].output_shape == shape
    with pytest.raises(ValueError, match=r"number of features, as in summary\(20\)"):
        MLPClassifier().summary()


@BOTH
def test_only_the_table_before_fit_says_that_the_output_layer_is_missing(make):
    own = make(input_shape=(6, 6, 1))
    for text in (str(own.summary()), own.summary()._repr_html_()):
        assert "Without the output layer, which fit adds" in text
    assert "output layer" not in str(own.fit(X, Y).summary())


@pytest.mark.parametrize("given", [24, (24,), (12, 2), [12, 2], np.array([12, 2])], ids=str)
def test_shapes_that_may_be_given(given):
    flat = isinstance(given, int) or len(given) == 1
    assert classifier().summary(given).rows[0].output_shape == ((24, 1) if flat else (12, 2))
    assert MLPClassifier().summary(given).rows[0].output_shape == (24,)
    own = ConvNetRegressor(input_shape=given).summary()
    assert own.rows[0].output_shape == ((24, 1) if flat else (12, 2))


@pytest.mark.parametrize("given", [0, -1, 2.5, "24", (3, 4, 5, 6), (), (3, None), (True,)])
def test_shapes_that_may_not_be_given(given):
    for own in (classifier(), MLPRegressor()):
        with pytest.raises((ValueError, TypeError), match="input_shape must be") as info:
            own.summary(given)
        assert repr(given) in str(info.value)


def test_a_dense_network():
    own = MLPClassifier((30, 20), max_iter=1, patience=None, batch_size=10)
    own.fit(FLAT, Y)
    table = own.summary()
    assert [(row.name, row.output_shape, row.n_params) for row in table.rows] == [
        ("input", (36,), 0),
        ("Dense 30, ReLU", (30,), 36 * 30 + 30),
        ("Dense 20, ReLU", (20,), 30 * 20 + 20),
        ("Dense 3", (3,), 20 * 3 + 3),
    ]
    assert [row.prediction_bytes for row in table.rows] == [2880, 2400, 1600, 240]
    assert [row.training_bytes for row in table.rows] == [2880, 4800, 3200, 480]
    assert MLPClassifier((30, 20), batch_size=200).summary(36).rows[1].prediction_bytes == (
        200 * 30 * 8
    )
    assert str(table) == (
        "layer           output shape  parameters  training batch  prediction\n"
        "input                     36           0         2.8 KiB     2.8 KiB\n"
        "Dense 30, ReLU            30       1,110         4.7 KiB     2.3 KiB\n"
        "Dense 20, ReLU            20         620         3.1 KiB     1.6 KiB\n"
        "Dense 3                    3          63           480 B       240 B\n"
        "total                              1,793        11.1 KiB     7.0 KiB\n"
        "in float64, for a batch of 10"
    )


def test_signals():
    own = regressor(input_shape=(12, 2)).fit(SIGNALS, Y)
    assert [(row.name, row.output_shape) for row in own.summary().rows[:4]] == [
        ("input", (12, 2)),
        ("Conv1D 3 of 3", (12, 3)),
        ("MaxPool 2, strides 2, ReLU", (6, 3)),
        ("Conv1D 4 of 3", (6, 4)),
    ]


@pytest.mark.parametrize(
    ("params", "size", "batch"),
    [
        ({"dtype": "float32"}, 4, 16),
        ({"dtype": "float64"}, 8, 16),
        ({"batch_size": "auto"}, 8, auto_batch_size(45)),
        ({"solver": "lbfgs"}, 8, 45),
        ({"batch_size": 1000}, 8, 45),
    ],
    ids=str,
)
def test_bytes_of_a_fitted_network(params, size, batch):
    table = classifier(**params).fit(X, Y).summary()
    assert table.rows[1].prediction_bytes == batch * 36 * 3 * size
    assert f"for a batch of {batch}" in str(table)


def test_html():
    table = classifier().fit(X, Y).summary()
    page = table._repr_html_()
    rows = re.findall("<tr>(.*?)</tr>", page)
    assert len(rows) == len(table.rows) + 2
    assert re.findall("<th>(.*?)</th>", rows[0])[:3] == ["layer", "output shape", "parameters"]
    cells = re.findall("<td>(.*?)</td>", rows[2])
    assert cells == ["Conv2D 3 of 3x3", "6 x 6 x 3", "30", "27.0 KiB", "13.5 KiB"]
    assert "in float64, for a batch of 16" in page


def test_html_is_escaped():
    class Sharp(Layer):
        label = "x < y & <script>"

    page = Summary([Sharp()], [(3,), (3,)], np.float32, 1)._repr_html_()
    assert "input, x &lt; y &amp; &lt;script&gt;" in page
    assert "<script>" not in page


def test_printing_is_enough(capsys):
    table = classifier(input_shape=(6, 6, 1)).summary()
    print(table)
    assert capsys.readouterr().out == f"{table}\n"
    assert repr(table) == str(table)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"),
     (5 << 30, "5.0 GiB"), (7 << 40, "7.0 TiB"), (9 << 60, "9,216.0 PiB")],
)  # fmt: skip
def test_readable_bytes(n_bytes, text):
    assert readable_bytes(n_bytes) == text


# ------------------------------------------------------------------- networks that cannot be

TOO_SMALL = {
    "pooling that shrinks to nothing": (
        {"filters": (2, 3, 4, 5)},
        ["MaxPool(2,", "does not fit on its input of shape (1, 1, 4)", "Conv2D 4 of 3x3"],
        "MaxPool 2x2, strides 2x2, ReLU       1 x 1 x 3",
    ),
    "a kernel larger than its input": (
        {"filters": (2, 3), "kernel_size": 5, "padding": "valid", "pool": None},
        [
            "Conv2D(3, 5,",
            "does not fit on its input of shape (2, 2, 2)",
            "covers (5, 5) pixels",
        ],
        "Conv2D 2 of 5x5, ReLU     2 x 2 x 2",
    ),
    "a first kernel larger than its input": (
        {"kernel_size": 7, "padding": "valid"},
        ["Conv2D(3, 7,", "does not fit on its input of shape (6, 6, 1)"],
        "input     6 x 6 x 1",
    ),
    "dilation": (
        {"kernel_size": 3, "dilation": 3, "padding": "valid"},
        ["covers (7, 7) pixels", "dilation (3, 3)"],
        "input     6 x 6 x 1",
    ),
}


@BOTH
@pytest.mark.parametrize(("params", "words", "row"), TOO_SMALL.values(), ids=TOO_SMALL)
def test_the_table_up_to_the_layer_that_does_not_fit(make, params, words, row):
    own = make(**params)
    before = dict(vars(own))
    for attempt in (lambda: own.fit(X, Y), lambda: own.summary((6, 6, 1))):
        with pytest.raises(ValueError, match="does not fit") as info:
            attempt()
        message = str(info.value)
        assert [
            word for word in [*words, "The network up to there:"] if word not in message
        ] == []
        lines = [re.sub(" +", " ", line) for line in message.splitlines()]
        assert any(line.startswith(re.sub(" +", " ", row)) for line in lines), message
        assert lines[-2].startswith("total")
        assert vars(own) == before


@BOTH
def test_flat_rows_that_are_too_short_for_a_kernel(make):
    own = make(kernel_size=9, padding="valid")
    with pytest.raises(ValueError, match=r"does not fit .*\(3, 1\).*\nlayer +output shape"):
        own.fit(FLAT[:, :3], Y)


@BOTH
@pytest.mark.parametrize(
    ("params", "layer"),
    [
        ({"hidden_layer_sizes": (10**7, 10**7, 5)}, "Dense 10000000"),
        ({"filters": (10**6, 10**6), "kernel_size": 5}, "Conv2D 1000000 of 5x5"),
        ({"filters": 10**30}, f"Conv2D {10**30} of 3x3"),
    ],
    ids=["dense", "filters", "beyond 64 bits"],
)
def test_too_many_parameters_for_memory(make, params, layer):
    own = make(**params)
    before = dict(vars(own))
    with pytest.raises(ValueError, match=r"too large for this machine") as info:
        own.fit(X, Y)
    message = str(info.value)
    assert f"up to {layer}" in message
    assert re.search(r"at least [\d,]{15,} bytes \([\d,]{9,} parameters\)", message)
    table = message.partition("The network up to there:\n")[2].splitlines()
    assert table[-3].startswith(layer)  # then the total, and the batch
    assert "filters, n_blocks, kernel_size, padding, dilation or batch_size" in message
    assert vars(own) == before


def test_a_summary_may_be_of_a_network_larger_than_memory():
    table = classifier(hidden_layer_sizes=(10**7, 10**7)).summary((6, 6, 1))
    assert table.n_params > 10**14
