"""link: positive and bounded predictions, on both engines."""

import copy
import pickle
from contextlib import contextmanager

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import TweedieRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import ConvNetRegressor, MLPRegressor
from skneural._engine import program
from skneural._estimators.links import LINKS
from skneural._network.losses.regression import REGRESSOR_LOSSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
SIGNAL = X[:, 0] - 0.5 * X[:, 1]
POSITIVE = np.exp(SIGNAL + 0.3 * RNG.normal(size=200))
BOUNDED = expit(SIGNAL + 0.3 * RNG.normal(size=200))  # within (0, 1)
WEIGHT = RNG.integers(0, 3, 200).astype(float)
LOSSES = ["squared_error", "absolute_error", "huber"]
CLASSES = pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
LINKED = {
    "log": ({"link": "log"}, POSITIVE),
    "logit": ({"link": "logit", "output_range": (-2, 3)}, 5 * BOUNDED - 2),
}
EACH = pytest.mark.parametrize(("params", "y"), LINKED.values(), ids=LINKED)
TO_THE_END = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 10_000, "tol": 1e-10}


def make(cls=MLPRegressor, **params):
    sizes = {"hidden_layer_sizes": (16,)}
    if cls is ConvNetRegressor:
        sizes |= {"filters": (3,), "input_shape": (4, 1)}
    defaults = {"learning_rate": 0.01, "max_iter": 30, "random_state": 0}
    return cls(**{**sizes, **defaults, **params})


def assert_same_bits(own, other):
    np.testing.assert_array_equal(own.network_.theta, other.network_.theta)
    np.testing.assert_array_equal(own.predict(X), other.predict(X))


@contextmanager
def refusal(own, *words):
    """Expect a ValueError whose message contains the words, and `own` to be unchanged."""
    before = dict(vars(own))
    theta = own.network_.theta.copy() if "network_" in before else None
    with pytest.raises(ValueError) as info:  # noqa: PT011
        yield
    assert [word for word in words if word not in str(info.value)] == []
    assert vars(own).keys() == before.keys()
    assert all(vars(own)[name] is value for name, value in before.items())
    if theta is not None:
        np.testing.assert_array_equal(own.network_.theta, theta)


# ------------------------------------------------------------------------ what is predicted


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
@EACH
def test_predictions_are_good_and_within_the_range(engine, params, y, loss, normalize_y):
    own = make(loss=loss, normalize_y=normalize_y, **params).fit(X, y)
    assert own.score(X, y) > 0.6
    low, high = own.output_range or (0, np.inf)
    far = own.predict(1000 * X)
    assert low <= far.min()
    assert far.max() <= high
    assert own.out_activation_ == ("exp" if own.link == "log" else "logistic")
    assert (program.program_of(own.network_) is None) == (program.native is None)


@EACH
@CLASSES
def test_several_targets_of_different_scales(engine, cls, params, y):
    both = np.column_stack([y, y[::-1]])
    own = make(cls, max_iter=60, **params).fit(X, both)
    assert own.predict(X).shape == both.shape
    assert own.score(X, both) > 0.2
    column = make(cls, max_iter=60, **params).fit(X, y[:, None])
    assert column.predict(X).shape == (200, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("bounds", [(0.1, 0.7), (1e6, 1e6 + 0.3), (-0.7, -0.1)])
def test_rounding_leads_beyond_no_bound(bounds, dtype, normalize_y):
    low, high = bounds
    y = low + (high - low) * BOUNDED
    own = make(link="logit", output_range=bounds, normalize_y=normalize_y, dtype=dtype)
    predicted = own.fit(X, y).predict(1e4 * X)
    assert predicted.dtype == dtype
    # a Python float is rounded to the dtype of what it is compared with
    assert predicted.min() >= low
    assert predicted.max() <= high


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_the_log_link_equals_tweedie_regression(engine, weight):
    own = make(link="log", hidden_layer_sizes=(), **TO_THE_END).fit(X, POSITIVE, weight)
    peer = TweedieRegressor(power=0, link="log", alpha=0, tol=1e-10, max_iter=10_000)
    peer.fit(X, POSITIVE, weight)
    np.testing.assert_allclose(own.coefs_[0][:, 0], peer.coef_, atol=1e-4)
    np.testing.assert_allclose(own.predict(X), peer.predict(X), rtol=1e-4)


def test_the_logit_link_equals_a_logistic_curve(engine):
    y = 5 * BOUNDED - 2
    own = make(link="logit", output_range=(-2, 3), hidden_layer_sizes=(), **TO_THE_END)
    own.fit(X, y)
    curve = least_squares(lambda b: -2 + 5 * expit(X @ b[:4] + b[4]) - y, np.zeros(5))
    np.testing.assert_allclose(own.coefs_[0][:, 0], curve.x[:4], atol=1e-4)
    np.testing.assert_allclose(own.intercepts_[0], curve.x[4], atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
@EACH
def test_the_loss_is_that_of_the_predictions(engine, params, y, loss):
    """The loss is measured in units of `y_scale_`, and so is delta."""
    own = make(loss=loss, alpha=0.0, solver="lbfgs", delta=0.2, max_iter=5, **params)
    own.fit(X, y, WEIGHT)
    error = (own.predict(X) - y) / own.y_scale_
    h = np.minimum(np.abs(error), 0.2)
    row = {
        "squared_error": error**2 / 2,
        "absolute_error": np.abs(error),
        "huber": h**2 / 2 + 0.2 * (np.abs(error) - h),
    }[loss]
    assert own.loss_ == pytest.approx(np.average(row, weights=WEIGHT), rel=1e-9)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@EACH
def test_the_scale_of_the_targets_does_not_matter(params, y, factor):
    own, other = make(**params).fit(X, y), make(**params)
    if other.output_range:
        other.set_params(output_range=(-2 * factor, 3 * factor))
    other.fit(X, factor * y)
    np.testing.assert_allclose(other.predict(X), factor * own.predict(X), rtol=1e-6)


def test_targets_at_the_bounds():
    y = np.clip(2 * BOUNDED - 0.5, 0, 1)
    assert {0.0, 1.0} < set(y)
    assert make(link="logit", output_range=(0, 1)).fit(X, y).score(X, y) > 0.8
    y = np.maximum(POSITIVE - 0.5, 0)
    assert make(link="log").fit(X, y).score(X, y) > 0.6
    assert make(link="log").fit(X, np.zeros(200)).predict(X).mean() < 0.3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bounds_as_they_are_rounded_in_float32(dtype):
    """float32 cannot represent 0.1; the nearest value is larger."""
    y = (0.1 * BOUNDED).astype(dtype)
    y[0] = 0.1
    own = make(link="logit", output_range=(0, 0.1), normalize_y=False)
    own.fit(X.astype(np.float32), y)
    own.set_params(normalize_y=True).fit(X, y)


# ---------------------------------------------------------------------- what "auto" stands for


@pytest.mark.parametrize(
    ("loss", "link"),
    [
        ("squared_error", "identity"),
        ("quantile", "identity"),
        ("poisson", "log"),
        ("gamma", "log"),
    ],
)
def test_auto_is_the_link_of_the_loss(loss, link):
    own = make(loss=loss).fit(X, POSITIVE)
    assert_same_bits(make(loss=loss, link=link).fit(X, POSITIVE), own)
    assert own.out_activation_ == ("exp" if link == "log" else "identity")


def test_every_loss_has_its_links():
    assert LINKS.keys() == REGRESSOR_LOSSES.keys()
    for name, (first, *_) in LINKS.items():
        assert (first == "log") is (REGRESSOR_LOSSES[name].out_activation == "exp")


# ------------------------------------------------------------------------------- bad input


@CLASSES
@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"loss": "quantile", "link": "log"}, ["link must be 'auto' or 'identity'", "'log'"]),
        ({"loss": "poisson", "link": "identity"}, ["link must be 'auto' or 'log' for loss="]),
        ({"loss": "gamma", "link": "logit", "output_range": (0, 1)}, ["'squared_error'"]),
        ({"link": "logit"}, ["output_range must be (low, high)", "output_range=(0, 1)"]),
        ({"output_range": (0, 1)}, ["output_range must be None for link='auto'", "'logit'"]),
        ({"link": "log", "output_range": (0, 1)}, ["must be None for link='log'"]),
    ],
    ids=str,
)  # fmt: skip
def test_parameters_that_do_not_fit_together(cls, params, words):
    own = make(cls, **params)
    with refusal(own, *words):
        own.fit(X, POSITIVE)
    fitted = make(cls).fit(X, POSITIVE).set_params(**params)
    with refusal(fitted, *words):
        fitted.partial_fit(X, POSITIVE)


def half_square(y, raw_prediction):
    error = raw_prediction - y
    return np.sum(error**2, axis=1) / 2, error


def test_a_loss_of_the_users_has_its_own_link():
    own, named = make(loss=half_square, alpha=0.1), make(alpha=0.1)
    own.fit(X, POSITIVE)
    np.testing.assert_allclose(own.predict(X), named.fit(X, POSITIVE).predict(X), rtol=1e-6)
    with refusal(own.set_params(link="log"), "link must be 'auto' for loss=<function"):
        own.fit(X, POSITIVE)


@CLASSES
@pytest.mark.parametrize(
    ("params", "y", "words"),
    [
        ({"link": "log"}, -1.5, ["y must be >= 0 for link='log'", "-1.5", "link='identity'"]),
        ({"link": "logit", "output_range": (0, 2)}, 2.5, ["output_range=(0, 2)", "2.5"]),
        ({"link": "logit", "output_range": [0, 2]}, -0.5, ["output_range=[0, 2]", "-0.5"]),
    ],
    ids=str,
)
def test_targets_out_of_the_range(cls, params, y, words):
    own, wrong = make(cls, **params), np.r_[np.ones(199), y]
    with refusal(own, *words):
        own.fit(X, wrong)
    with refusal(own, "y_val", *words):
        own.fit(X, np.ones(200), X_val=X, y_val=wrong)
    own.fit(X, np.ones(200))
    with refusal(own, *words):
        own.partial_fit(X, wrong)


@pytest.mark.parametrize(
    "change",
    [{"link": "auto"}, {"link": "logit", "output_range": (0, 99)}, {"loss": "quantile"}],
    ids=str,
)
def test_a_network_keeps_its_link(change):
    own = make(link="log").fit(X, POSITIVE)
    own.set_params(**{"link": "auto", **change})
    with refusal(own, "trained with another link", "'exp' would become"):
        own.partial_fit(X, POSITIVE)


@pytest.mark.parametrize("normalize_y", [True, False])
def test_a_network_keeps_its_range(normalize_y):
    own = make(link="logit", output_range=(0, 1), normalize_y=normalize_y).fit(X, BOUNDED)
    before = own.predict(X)
    own.set_params(output_range=(0, 2))
    np.testing.assert_array_equal(own.predict(X), before)
    with refusal(own, "output_range=(0.0, 1.0) would become (0.0, 2.0)"):
        own.partial_fit(X, BOUNDED)
    own.set_params(output_range=[0.0, np.float32(1)], loss="huber").partial_fit(X, BOUNDED)


# ------------------------------------------------------------ copies, files, other formats


@EACH
@CLASSES
def test_copies_and_files(cls, params, y, tmp_path):
    own = make(cls, **params).partial_fit(X, y)
    skneural.save(own, tmp_path / "own")
    twins = [skneural.load(tmp_path / "own"), pickle.loads(pickle.dumps(own))]
    for twin in [*twins, copy.deepcopy(own)]:
        assert twin.get_params() == own.get_params()
        assert_same_bits(twin, own)
        assert_same_bits(twin.partial_fit(X, y), copy.deepcopy(own).partial_fit(X, y))
    pipeline = make_pipeline(StandardScaler(), clone(own)).fit(X, y)
    skneural.save(pipeline, tmp_path / "pipeline")
    twin = skneural.load(tmp_path / "pipeline")
    np.testing.assert_array_equal(twin.predict(X), pipeline.predict(X))


@EACH
def test_skops(params, y, tmp_path):
    sio = pytest.importorskip("skops.io")
    own = make(**params).fit(X, np.column_stack([y, y]))
    sio.dump(own, tmp_path / "own.skops")
    twin = sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES)
    assert_same_bits(twin, own)


def test_a_pickle_of_an_earlier_version():
    own = make(loss="poisson").fit(X, POSITIVE)
    state = own.__getstate__().copy()
    del state["link"], state["output_range"], state["_output_range"]
    twin = MLPRegressor.__new__(MLPRegressor)
    twin.__setstate__(state)
    assert_same_bits(twin, own)
    assert_same_bits(twin.fit(X, POSITIVE), own.fit(X, POSITIVE))


@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("n_targets", [1, 2])
@EACH
def test_onnx(params, y, n_targets, normalize_y):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    y = y if n_targets == 1 else np.column_stack([y, y[::-1]])
    own = make(normalize_y=normalize_y, **params).fit(X, y)
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [got] = session.run(["prediction"], {"X": X})
    assert got.shape == y.shape
    np.testing.assert_allclose(got, own.predict(X), rtol=1e-4, atol=1e-5)
    if own.output_range:
        [far] = session.run(["prediction"], {"X": 1000 * X})
        assert (far.min(), far.max()) == (-2, 3)


def test_onnx_refuses_a_range_beyond_float32():
    pytest.importorskip("onnx")
    own = make(link="logit", output_range=(0, 1e50), max_iter=1).fit(X, 1e50 * BOUNDED)
    with pytest.raises(ValueError, match="and output_range is too large for it"):
        skneural.to_onnx(own)


def test_grid_search():
    grid = [
        {"link": ["identity", "log"], "loss": LOSSES},
        {"link": ["logit"], "output_range": [(0, 50), (0, 500)]},
    ]
    search = GridSearchCV(make(max_iter=10), grid, cv=2, error_score="raise")
    search.fit(X, POSITIVE)
    assert search.cv_results_["mean_test_score"].shape == (8,)
    assert search.best_estimator_.score(X, POSITIVE) > 0.5
