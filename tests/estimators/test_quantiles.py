"""Several quantiles of one target in one fit, on both engines."""

import copy
import pickle
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import ConvNetRegressor, MLPRegressor
from skneural._engine import program

RNG = np.random.default_rng(0)
QUANTILES = [0.05, 0.5, 0.95]
X = RNG.uniform(-2, 2, (300, 3))
SPREAD = 0.2 + np.abs(X[:, 2])
Y = 1000 + 50 * (np.sin(2 * X[:, 0]) + X[:, 1] + SPREAD * RNG.normal(size=300))
WEIGHT = RNG.integers(0, 3, 300).astype(float)
CLASSES = pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])


def make(cls=MLPRegressor, **params):
    sizes = {"hidden_layer_sizes": (16,)}
    if cls is ConvNetRegressor:
        sizes |= {"filters": (3,), "input_shape": (3, 1)}
    defaults = {"loss": "quantile", "quantile": QUANTILES, "max_iter": 20, "random_state": 0}
    return cls(**{**sizes, "learning_rate": 0.01, **defaults, **params})


def assert_same_bits(own, other):
    np.testing.assert_array_equal(own.network_.theta, other.network_.theta)
    np.testing.assert_array_equal(own.predict(X), other.predict(X))


@contextmanager
def refusal(own, *words):
    """Expect a ValueError whose message contains the words, and `own` to be unchanged."""
    before = dict(vars(own))
    with pytest.raises(ValueError) as info:  # noqa: PT011
        yield
    assert [word for word in words if word not in str(info.value)] == []
    assert vars(own).keys() == before.keys()
    assert all(vars(own)[name] is value for name, value in before.items())


# ------------------------------------------------------------------------ what is predicted


@CLASSES
def test_a_column_for_each_quantile(engine, cls):
    own = make(cls).fit(X, Y)
    predicted = own.predict(X)
    assert predicted.shape == (300, 3)
    assert (own.n_outputs_, own.out_activation_) == (3, "identity")
    assert own.y_mean_.shape == own.y_scale_.shape == (1,)
    assert own.activations(X)[-1].shape == (300, 3)
    assert (program.program_of(own.network_) is None) == (program.native is None)
    np.testing.assert_array_equal(make(cls).fit(X, Y[:, None]).predict(X), predicted)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles_never_cross(engine, dtype):
    """Also if the network's outputs cross: after one epoch, and far from all rows."""
    own = make(quantile=np.linspace(0.02, 0.98, 25), max_iter=1, dtype=dtype).fit(X, Y)
    rows = np.vstack([X, 1000 * X])
    raw = own._raw_prediction(rows)
    assert (np.diff(raw, axis=1) < 0).any()
    predicted = own.predict(rows)
    assert (np.diff(predicted, axis=1) >= 0).all()
    assert predicted.dtype == dtype
    undone = np.sort(raw.astype(float) * own.y_scale_ + own.y_mean_, axis=1)
    np.testing.assert_allclose(predicted, undone, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_coverage_of_heteroscedastic_data():
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (3000, 3))
    spread = 5 + 12 * np.abs(x[:, 2])
    y = 100 + 20 * (np.sin(2 * x[:, 0]) + x[:, 1]) + spread * rng.normal(size=3000)
    own = MLPRegressor((32,), loss="quantile", quantile=QUANTILES, max_iter=30, random_state=0)
    own.fit(x[:1500], y[:1500])
    predicted = own.predict(x[1500:])
    below = np.mean(y[1500:, None] <= predicted, axis=0)
    np.testing.assert_allclose(below, QUANTILES, atol=0.03)
    # wide where the spread is
    width = predicted[:, 2] - predicted[:, 0]
    assert np.corrcoef(width, spread[1500:])[0, 1] > 0.8


def test_linear_quantiles_equal_quantile_regression(engine):
    y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=300)
    own = make(hidden_layer_sizes=(), alpha=0.0, batch_size=300, max_iter=3000)
    own.set_params(learning_rate=0.05, schedule="cosine").fit(X, y, WEIGHT)
    for column, quantile in zip(own.predict(X).T, QUANTILES, strict=True):
        peer = QuantileRegressor(quantile=quantile, alpha=0).fit(X, y, WEIGHT)
        np.testing.assert_allclose(column, peer.predict(X), atol=0.05)


@pytest.mark.parametrize("quantile", [0.3, 0.9])
def test_one_quantile_of_a_list_is_the_quantile_alone(engine, quantile):
    alone, listed = make(quantile=quantile).fit(X, Y), make(quantile=[quantile]).fit(X, Y)
    np.testing.assert_array_equal(listed.predict(X), alone.predict(X)[:, None])


@pytest.mark.parametrize("quantile", [(0.1, 0.9), np.array([0.1, 0.9]), [np.float32(0.1), 0.9]])
def test_any_sequence(quantile):
    assert_same_bits(make(quantile=quantile).fit(X, Y), make(quantile=[*quantile]).fit(X, Y))


def test_a_weight_of_two_is_a_repeated_row(engine):
    whole = {"batch_size": 2000, "max_iter": 9}
    weighted = make(**whole).fit(X, Y, WEIGHT)
    times = WEIGHT.astype(int)
    repeated = make(**whole).fit(np.repeat(X, times, axis=0), np.repeat(Y, times))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_score_is_the_mean_share_of_the_pinball_loss(weight):
    own = make(max_iter=50).fit(X, Y)
    shares = [
        d2_pinball_score(Y, column, sample_weight=weight, alpha=quantile)
        for column, quantile in zip(own.predict(X).T, QUANTILES, strict=True)
    ]
    assert own.score(X, Y, weight) == pytest.approx(np.mean(shares), rel=1e-12)
    assert own.score(X, Y[:, None], weight) == own.score(X, Y, weight)
    assert 0.15 < own.score(X, Y, weight) < 1
    with pytest.raises(ValueError, match="y"):
        own.score(X, np.column_stack([Y, Y]))


def test_validation_by_the_score(engine):
    own = make(max_iter=15).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    assert own.best_validation_score_ == max(own.validation_scores_)
    assert own.score(X[200:], Y[200:]) == pytest.approx(own.best_validation_score_)
    held_out = make(early_stopping=True, max_iter=15).fit(X, Y)
    assert 0 < held_out.best_validation_score_ < 1


def test_parameters_set_after_a_fit_change_no_prediction():
    own = make().fit(X, Y)
    before, score = own.predict(X), own.score(X, Y)
    for change in ({"quantile": 0.5}, {"quantile": [0.1, 0.2]}, {"loss": "huber"}):
        own.set_params(**change)
        np.testing.assert_array_equal(own.predict(X), before)
        assert own.score(X, Y) == score


def test_a_useless_fit_is_described_by_the_middle_quantile():
    rows, y = X[:200], Y[:200] / 100  # all of so few rows are measured
    with pytest.warns(UserWarning, match="worse than a constant") as caught:
        own = make(normalize_y=False, max_iter=10, learning_rate=1e-4).fit(rows, y)
    median = own.predict(rows)[:, 1]
    expected = f"the predictions {median.mean():.3g} and {median.std():.3g}. "
    assert expected in str(caught[0].message)


def test_other_losses_ignore_one_quantile():
    own = make(loss="squared_error", quantile=0.1).fit(X, np.column_stack([Y, Y]))
    other = make(loss="squared_error", quantile=0.5).fit(X, np.column_stack([Y, Y]))
    assert_same_bits(own, other)


# ------------------------------------------------------------------------------- bad input


@CLASSES
def test_several_targets_are_refused(cls):
    words = "one column for several quantiles, got 2", "[0.05, 0.5, 0.95]", "Fit one"
    for own in (make(cls), make(cls).fit(X, Y)):
        with refusal(own, *words):
            own.fit(X, np.column_stack([Y, Y]))
        with refusal(own, *words):
            own.partial_fit(X, np.column_stack([Y, Y]))


def test_the_error_says_what_to_write():
    with refusal(make(loss="huber", quantile=[0.1, 0.9]), "Write loss='quantile'."):
        make(loss="huber", quantile=[0.1, 0.9]).fit(X, Y)
    with refusal(make(quantile=[0.9, 0.1, 0.9]), "Write [0.1, 0.9]."):
        make(quantile=[0.9, 0.1, 0.9]).fit(X, Y)
    with refusal(own := make(link="log"), "link must be 'auto' or 'identity' for loss="):
        own.fit(X, Y)


def test_a_network_keeps_the_number_of_quantiles():
    own = make().fit(X, Y)
    with refusal(own.set_params(quantile=[0.1, 0.9]), "would change the network"):
        own.partial_fit(X, Y)
    own.set_params(quantile=[0.1, 0.5, 0.9]).partial_fit(X, Y)


# ------------------------------------------------------------ copies, files, other formats


@CLASSES
def test_copies_and_files(cls, tmp_path):
    own = make(cls, quantile=(0.1, 0.25, 0.9)).partial_fit(X, Y)
    skneural.save(own, tmp_path / "own")
    twins = [skneural.load(tmp_path / "own"), pickle.loads(pickle.dumps(own))]
    for twin in [*twins, copy.deepcopy(own)]:
        assert twin.get_params() == own.get_params()
        assert_same_bits(twin, own)
        assert twin.score(X, Y) == own.score(X, Y)
        assert_same_bits(twin.partial_fit(X, Y), copy.deepcopy(own).partial_fit(X, Y))
    pipeline = make_pipeline(StandardScaler(), clone(own)).fit(X, Y)
    skneural.save(pipeline, tmp_path / "pipeline")
    twin = skneural.load(tmp_path / "pipeline")
    np.testing.assert_array_equal(twin.predict(X), pipeline.predict(X))


def test_skops(tmp_path):
    sio = pytest.importorskip("skops.io")
    own = make().fit(X, Y)
    sio.dump(own, tmp_path / "own.skops")
    assert_same_bits(sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES), own)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)], ids=str)
def test_onnx(shape):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    own = make(quantile=np.linspace(0.02, 0.98, 25), max_iter=1).fit(X, Y.reshape(shape))
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [got] = session.run(["prediction"], {"X": X})
    assert got.shape == (300, 25)
    assert (np.diff(got, axis=1) >= 0).all()
    np.testing.assert_allclose(got, own.predict(X), rtol=1e-5)


def test_skl2onnx():
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    skneural.register_skl2onnx()
    own = make_pipeline(StandardScaler(), make()).fit(X, Y)
    model = skl2onnx.to_onnx(own, X[:1].astype(np.float32)).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [got] = session.run(None, {"X": X.astype(np.float32)})
    np.testing.assert_allclose(got, own.predict(X), rtol=1e-4)


def test_searches():
    grid = {"quantile": [[0.1, 0.9], [0.2, 0.8]], "learning_rate": [0.001, 0.02]}
    search = GridSearchCV(make(max_iter=9), grid, cv=2, error_score="raise").fit(X, Y)
    assert search.predict(X).shape == (300, 2)
    assert search.best_params_["learning_rate"] == 0.02
    assert (cross_val_score(make(max_iter=30), X, Y, cv=2) > 0).all()
