"""normalize_y: targets are standardized for training, predictions are in units of y."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from _mutations import rewrite
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skneural
from skneural import Checkpoint, ConvNetRegressor, Diagnostics, MLPRegressor
from skneural._estimators.target_scale import TargetScale
from skneural._files.save import plain_parameters

X, Y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
Z = (Y - Y.mean()) / Y.std()
IDENTITY_LINK = ["squared_error", "absolute_error", "huber", "quantile"]


def make(cls=MLPRegressor, **params):
    sizes = {"hidden_layer_sizes": (16,)}
    if cls is ConvNetRegressor:
        sizes |= {"filters": (3,), "input_shape": (10, 1)}
    defaults = {"learning_rate": 0.01, "batch_size": 64, "max_iter": 15, "patience": None}
    return cls(**{**sizes, **defaults, "random_state": 0, **params})


def assert_same_bits(own, other):
    np.testing.assert_array_equal(own.network_.theta, other.network_.theta)
    np.testing.assert_array_equal(own.predict(X), other.predict(X))


# ------------------------------------------------------------------- targets of any scale


@given(exponent=st.floats(-6, 6), offset=st.floats(-1e6, 1e6))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_the_score_does_not_depend_on_scale_and_offset(exponent, offset):
    y = 10**exponent * (Y + offset * Y.std())
    assert make().fit(X, y).score(X, y) == pytest.approx(make().fit(X, Z).score(X, Z), abs=1e-6)


@pytest.mark.parametrize("offset", [-1e6, 0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
def test_the_score_at_the_limits(cls, scale, offset):
    y = scale * (Z + offset)
    own = make(cls).fit(X, y)
    assert own.score(X, y) == pytest.approx(make(cls).fit(X, Z).score(X, Z), abs=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", IDENTITY_LINK)
def test_predictions_follow_scale_and_offset(loss, solver):
    own = make(loss=loss, solver=solver, quantile=0.8, delta=0.5)
    expected = 1000 * own.fit(X, Z).predict(X) - 7e4
    np.testing.assert_allclose(own.fit(X, 1000 * Z - 7e4).predict(X), expected, rtol=1e-6)


def test_outputs_of_different_scales_are_learned_alike():
    other = 1e-5 * X[:, 2] ** 2
    y = np.column_stack([1e5 * Y + 1e9, other])
    own = make(max_iter=40).fit(X, y)
    equal = make(max_iter=40).fit(X, StandardScaler().fit_transform(y))
    expected = equal.predict(X) * y.std(axis=0) + y.mean(axis=0)
    np.testing.assert_allclose(own.predict(X), expected, rtol=1e-6)
    assert own.score(X, y) > 0.6
    np.testing.assert_allclose(own.y_mean_, y.mean(axis=0))
    np.testing.assert_allclose(own.y_scale_, y.std(axis=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", IDENTITY_LINK)
def test_equals_a_fit_on_standardized_targets_to_the_bit(loss, dtype):
    own = make(loss=loss, dtype=dtype).fit(X, Y)
    z = (Y - own.y_mean_) / own.y_scale_
    by_hand = make(loss=loss, dtype=dtype, normalize_y=False).fit(X, z)
    np.testing.assert_array_equal(own.network_.theta, by_hand.network_.theta)
    assert own.loss_curve_ == by_hand.loss_curve_
    predicted = by_hand.predict(X).astype(np.float64) * own.y_scale_ + own.y_mean_
    np.testing.assert_array_equal(own.predict(X), predicted.astype(dtype))
    assert own.predict(X).dtype == dtype


def test_a_float32_network_centres_the_targets_before_they_are_rounded():
    """float32 represents 1e6 and 1e6 + 0.06, and no number in between."""
    y = 0.01 * Z + 1e6
    own = make(dtype="float32").fit(X, y)
    expected = make(dtype="float32").fit(X, Z)
    np.testing.assert_allclose(own.network_.theta, expected.network_.theta, atol=1e-3)


def test_predictions_one_by_one_are_those_of_all_rows():
    own = make().fit(X, np.column_stack([Y, 1000 * Y]))
    singly = np.vstack([own.predict(X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(singly, own.predict(X[:20]), rtol=1e-12)


# ------------------------------------------------------------------------ mean and scale


def test_a_weight_of_two_equals_a_repeated_row():
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    y = np.where(weight, Y, 1e9)  # rows without weight do not count at all
    params = {"batch_size": 2000, "max_iter": 30}
    weighted = make(**params).fit(X, y, weight)
    repeated = make(**params).fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight))
    np.testing.assert_allclose(weighted.y_mean_, repeated.y_mean_, rtol=1e-12)
    np.testing.assert_allclose(weighted.y_scale_, repeated.y_scale_, rtol=1e-12)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7)


def test_the_mean_of_many_targets_far_from_zero_is_exact():
    rows = np.random.default_rng(0).normal(1e6, 1, (200_000, 2))
    exact = [math.fsum(column) / len(rows) for column in rows.T]
    np.testing.assert_allclose(TargetScale.of(rows).mean, exact, rtol=5e-16)


@pytest.mark.parametrize("value", [0.1, 1 / 3, -1e6 / 7, 1e-310, 7e139])
def test_the_mean_of_constant_targets_is_exact(value):
    rng = np.random.default_rng(0)
    for n_samples in (1, 2, 3, 7, 100, 12_345):
        for weight in (None, rng.random(n_samples), rng.integers(1, 9, n_samples)):
            own = TargetScale.of(np.full((n_samples, 2), value), weight)
            assert own.mean.tolist() == [value, value]
            assert own.scale.tolist() == [1.0, 1.0]


def test_rows_without_weight_do_not_hide_the_spread_of_the_others():
    y = np.r_[1e130, 1e-40 * Z][:, None]
    own = TargetScale.of(y, np.r_[0.0, np.ones(len(Z))])
    np.testing.assert_allclose(own.scale, 1e-40, rtol=1e-12)


@pytest.mark.parametrize("factor", [0.3, 1e-300, 1e306])
def test_the_sum_of_the_weights_does_not_matter(factor):
    rows, weight = Y[:, None], np.arange(len(Y)) % 5
    own, repeated = TargetScale.of(rows, factor * weight), np.repeat(Y, weight)
    np.testing.assert_allclose(own.mean, repeated.mean(), rtol=1e-12)
    np.testing.assert_allclose(own.scale, repeated.std(), rtol=1e-12)


def test_rows_held_out_have_no_part_in_mean_and_scale():
    y = np.arange(len(X), dtype=float)
    own = make(early_stopping=True, max_iter=1)
    seen = []  # the scorer is given the rows held out after as many of those trained on
    own.set_params(scoring=lambda estimator, x, targets: seen.append(targets) or 0.0).fit(X, y)
    held_out = min(seen, key=len)
    trained_on = np.setdiff1d(y, held_out)
    assert len(held_out) < len(trained_on) < len(y)
    assert own.y_mean_ == pytest.approx(trained_on.mean(), rel=1e-12)
    assert own.y_scale_ == pytest.approx(trained_on.std(), rel=1e-12)
    given = make(max_iter=1).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert given.y_mean_ == y[:100].mean()


def test_validation_losses_are_standardized_and_scores_are_not():
    y, split = 1e4 * Y + 1e6, 300
    own = make().fit(X[:split], y[:split], X_val=X[split:], y_val=y[split:])
    assert own.validation_scores_[-1] <= max(own.validation_scores_)
    best = own.best_validation_score_
    assert own.score(X[split:], y[split:]) == pytest.approx(best, rel=1e-12)
    assert 0 < own.history_["validation_loss"][-1] < 5
    assert 0 < own.loss_ < 5


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3, -1e12])
def test_constant_targets_are_predicted(value):
    y = np.full(len(X), value)
    with warnings.catch_warnings(action="error"):
        own = make(solver="lbfgs", max_iter=1000, tol=1e-8).fit(X, y)
        both = make().fit(X, np.column_stack([y, Y]))
    assert (own.y_mean_[0], own.y_scale_[0]) == (value, 1.0)
    np.testing.assert_allclose(own.predict(X), value, rtol=1e-6, atol=1e-4)
    assert (both.y_mean_[0], both.y_scale_[0]) == (value, 1.0)
    assert np.isfinite(both.predict(X)).all()


def test_one_row():
    own = make().fit(X[:1], [5.0])
    assert (own.y_mean_[0], own.y_scale_[0]) == (5.0, 1.0)
    assert own.predict(X[:1]) == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float16", "float32", "bool"])
def test_targets_of_every_dtype(dtype):
    y = (Y > 150) if dtype == "bool" else (Y // 4).astype(dtype)
    assert_same_bits(make().fit(X, y), make().fit(X, y.astype(float)))


def test_attributes_are_missing_before_fit():
    for name in ("y_mean_", "y_scale_"):
        assert not hasattr(make(), name)
        assert hasattr(make(max_iter=1).fit(X, Y), name)


# ----------------------------------------------------------------------- extreme targets


def test_targets_whose_squares_overflow_are_refused():
    own = make().fit(X, Y)
    with pytest.raises(ValueError, match=r"y must be within .*1e\+140.*Divide y"):
        own.fit(X, 1e200 * Z)
    assert own.y_mean_ == pytest.approx(Y.mean())  # as it was
    with pytest.raises(ValueError, match=r"Input y contains infinity or a value too large"):
        make(dtype="float32").fit(X, 1e100 * Z)


@pytest.mark.parametrize("scale", [1e-312, 1e-300, 1e-160, 1e-100, 1e100, 1e130])
def test_tiny_and_huge_targets(scale):
    with warnings.catch_warnings(action="error"):
        own = make().fit(X, scale * Z)
        predicted = own.predict(X)
    np.testing.assert_allclose(predicted / scale, make().fit(X, Z).predict(X), atol=1e-3)


def test_the_smallest_spread_there_is():
    y = np.where(np.arange(len(X)) % 5, 0.0, 5e-324)
    own = make(max_iter=5).fit(X, y)
    assert np.isfinite(own.predict(X)).all()
    assert own.y_scale_ > 0


# ---------------------------------------------------------------- where it does not apply


def test_poisson_is_trained_on_the_targets_themselves():
    own, without = (make(loss="poisson", normalize_y=on).fit(X, Y) for on in (True, False))
    assert_same_bits(own, without)
    assert (own.y_mean_[0], own.y_scale_[0]) == (0.0, 1.0)


def test_false_learns_the_targets_as_they_are():
    own = make(normalize_y=False, max_iter=5).fit(X, np.column_stack([Y, Y]))
    np.testing.assert_array_equal(own.y_mean_, [0, 0])
    np.testing.assert_array_equal(own.y_scale_, [1, 1])
    np.testing.assert_allclose(own.activations(X)[-1], own.predict(X), rtol=1e-12)


def test_activations_end_in_standardized_targets():
    own = make().fit(X, Y)
    hidden, output = own.activations(X)
    np.testing.assert_allclose(hidden @ own.coefs_[1] + own.intercepts_[1], output)
    predicted = output[:, 0] * own.y_scale_ + own.y_mean_
    np.testing.assert_allclose(own.predict(X), predicted)


@pytest.mark.parametrize("value", ["yes", None, 2, 1.0])
def test_what_is_not_true_or_false_is_refused(value):
    with pytest.raises((TypeError, ValueError), match="normalize_y must be"):
        make(normalize_y=value).fit(X, Y)


# -------------------------------------------------------------------- further calls


def test_partial_fit_keeps_mean_and_scale_of_the_first_call():
    own = make().partial_fit(X[:100], Y[:100])
    before = own.y_mean_[0], own.y_scale_[0]
    assert before == pytest.approx((Y[:100].mean(), Y[:100].std()))
    own.partial_fit(X[100:], 3 * Y[100:])
    assert (own.y_mean_[0], own.y_scale_[0]) == before
    own.fit(X, 2 * Y)
    assert own.y_mean_ == pytest.approx(2 * Y.mean())


def test_a_warm_start_keeps_mean_and_scale_of_the_first_call():
    whole = make(max_iter=20, schedule="constant", warm_start=True).fit(X, Y)
    halves = make(max_iter=10, schedule="constant", warm_start=True).fit(X, Y).fit(X, Y)
    assert_same_bits(whole, halves)
    halves.fit(X, 2 * Y)
    assert halves.y_mean_ == whole.y_mean_
    assert halves.set_params(warm_start=False).fit(X, 2 * Y).y_mean_ == 2 * whole.y_mean_


@pytest.mark.parametrize("change", [{"normalize_y": False}, {"loss": "poisson"}], ids=str)
def test_a_network_keeps_its_units(change):
    own = make().fit(X, Y)
    theta = own.network_.theta.copy()
    own.set_params(**change)
    with pytest.raises(ValueError, match="trained on standardized y, and normalize_y="):
        own.partial_fit(X, Y)
    with pytest.raises(ValueError, match="trained on standardized y, and normalize_y="):
        own.set_params(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, theta)
    raw = make(normalize_y=False).fit(X, Z).set_params(normalize_y=True)
    with pytest.raises(ValueError, match="trained on unscaled y, and normalize_y=True"):
        raw.partial_fit(X, Z)


def test_a_network_keeps_its_link():
    own = make(normalize_y=False).fit(X, Z)
    theta = own.network_.theta.copy()
    own.set_params(loss="poisson")
    with pytest.raises(ValueError, match="out_activation_='identity' would become 'exp'"):
        own.partial_fit(X, Y)
    own.set_params(loss="gamma", warm_start=True, normalize_y=False)
    np.testing.assert_array_equal(own.network_.theta, theta)
    with pytest.raises(ValueError, match="trained on unscaled y, and normalize_y=True"):
        own.set_params(normalize_y=True).fit(X, Y)
    own = make().fit(X, Y).set_params(loss="gamma")
    with pytest.raises(ValueError, match="out_activation_='identity' would become 'exp'"):
        own.partial_fit(X, Y)


# ---------------------------------------------------------------- only divided: the gamma loss


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_gamma_targets_does_not_matter(scale):
    own, equal = make(loss="gamma").fit(X, scale * Y), make(loss="gamma").fit(X, Y)
    np.testing.assert_allclose(own.predict(X), scale * equal.predict(X), rtol=1e-9)
    assert own.score(X, scale * Y) > 0.4
    np.testing.assert_allclose(own.y_scale_, scale * Y.mean(), rtol=1e-12)
    assert own.y_mean_ == 0


def test_gamma_targets_are_divided_by_their_weighted_mean():
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    y = np.column_stack([Y, 1000 * Y[::-1]])
    own = make(loss="gamma", batch_size=2000).fit(X, y, weight)
    np.testing.assert_allclose(own.y_scale_, np.average(y, axis=0, weights=weight))
    repeated = make(loss="gamma", batch_size=2000)
    repeated.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    np.testing.assert_allclose(own.predict(X), repeated.predict(X), rtol=1e-7)


@pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
def test_gamma_in_copies_and_files(cls, tmp_path):
    own = make(cls, loss="gamma").partial_fit(X, 1e6 * Y)
    skneural.save(own, tmp_path / "own")
    for twin in (skneural.load(tmp_path / "own"), pickle.loads(pickle.dumps(own))):
        assert_same_bits(twin, own)
        assert twin.y_scale_ == own.y_scale_
    assert_same_bits(twin.partial_fit(X, 1e6 * Y), own.partial_fit(X, 1e6 * Y))
    assert not hasattr(clone(own), "y_scale_")


def test_a_warm_start_on_targets_of_another_scale_says_why_it_is_useless():
    own = make(warm_start=True).fit(X, Y)
    own.set_params(learning_rate=1e-9)
    with pytest.warns(ConvergenceWarning, match="of the first fit.*fit with warm_start=False"):
        own.fit(X, Y / 1000)
    advice = {finding.problem: finding.advice for finding in skneural.diagnose(own, X)}
    assert "fit with warm_start=False" in advice["the targets are not scaled"]


def test_a_useless_fit_is_described_in_the_units_of_y():
    rows, targets = X[:200], Y[:200]  # all of so few rows are measured
    with pytest.warns(ConvergenceWarning) as caught:
        own = make(learning_rate=1e-9).fit(rows, targets)
    predicted = own.predict(rows)
    assert (
        f"y has mean {targets.mean():.3g} and standard deviation {targets.std():.3g}, the "
        f"predictions {predicted.mean():.3g} and {predicted.std():.3g}. Train for more epochs"
    ) in str(caught[0].message)


def test_a_rising_loss_is_not_blamed_on_the_targets():
    own = make(hidden_layer_sizes=(), solver="sgd", momentum=0.0, learning_rate=0.6)
    own.set_params(schedule="constant", alpha=1e-4, max_iter=4)
    with pytest.warns(ConvergenceWarning, match="may be too high, or X needs scaling"):
        own.fit(X, Y)


def test_divergence_is_not_blamed_on_the_targets():
    with pytest.raises(ValueError, match=r"largest \|y\| 2\.\d* after normalize_y has scaled"):
        make(solver="sgd", learning_rate=1e9).fit(X, 1e9 * Y)


def test_diagnostics_measure_the_gradient_of_the_standardized_targets():
    measured = []
    for y in (Z, 1e6 * Z):
        diagnostics = Diagnostics()
        make().set_callbacks(diagnostics).fit(X, y)
        measured.append(diagnostics.history_["grad_norm"])
    np.testing.assert_allclose(*measured, rtol=1e-6)


# ------------------------------------------------------------ copies, files, other formats


COPIES = {
    "pickle": lambda own: pickle.loads(pickle.dumps(own)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
def test_copies_predict_and_go_on_alike(cls, how):
    y = np.column_stack([1e6 * Y, Y])
    own = make(cls).partial_fit(X, y)
    twin = COPIES[how](own)
    assert_same_bits(twin, own)
    assert_same_bits(twin.partial_fit(X, y), own.partial_fit(X, y))


def test_a_clone_has_no_scale():
    own = clone(make(max_iter=2).fit(X, 1e6 * Y))
    assert not hasattr(own, "y_mean_")
    assert own.fit(X, Y).y_mean_ == pytest.approx(Y.mean())


@pytest.mark.parametrize("cls", [MLPRegressor, ConvNetRegressor])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 2)], ids=str)
def test_saved_files(cls, shape, tmp_path):
    y = (1e6 * Y + 3e8)[: len(Y)].repeat(abs(shape[-1])).reshape(shape)
    own = make(cls).partial_fit(X, y)
    skneural.save(own, tmp_path / "own")
    twin = skneural.load(tmp_path / "own")
    np.testing.assert_array_equal(twin.y_mean_, own.y_mean_)
    assert_same_bits(twin, own)
    assert_same_bits(twin.partial_fit(X, y), own.partial_fit(X, y))
    pipeline = make_pipeline(StandardScaler(), make(cls)).fit(X, y)
    skneural.save(pipeline, tmp_path / "pipeline")
    twin = skneural.load(tmp_path / "pipeline")
    np.testing.assert_array_equal(twin.predict(X), pipeline.predict(X))


def test_a_file_with_a_wrong_scale_is_refused(tmp_path):
    own = make(max_iter=1).fit(X, Y)
    for mean, scale in ((0.0, 0.0), (0.0, -1.0), (np.nan, 1.0), (0.0, np.inf)):
        wrong = copy.copy(own)
        wrong._target_scale = type(own._target_scale)(np.array([mean]), np.array([scale]))
        skneural.save(wrong, tmp_path / "wrong")
        with pytest.raises(ValueError, match="y_mean and y_scale must be finite, and"):
            skneural.load(tmp_path / "wrong")


def test_a_file_of_an_earlier_version(tmp_path):
    """It does not know normalize_y, and its network was trained on unscaled y."""
    own = make(normalize_y=False).partial_fit(X, Z)

    params = plain_parameters(own)
    del params["normalize_y"]
    path = tmp_path / "early"
    rewrite(own, path, params=params, target={"ndim": 1, "n_targets": 1})
    twin = skneural.load(path)
    assert twin.normalize_y is False
    assert_same_bits(twin, own)
    assert_same_bits(twin.partial_fit(X, Z), own.partial_fit(X, Z))


def test_a_pickle_of_an_earlier_version():
    own = make(normalize_y=False).partial_fit(X, Z)
    state = own.__getstate__().copy()
    del state["normalize_y"], state["_target_scale"]
    twin = MLPRegressor.__new__(MLPRegressor)
    twin.__setstate__(state)
    assert twin.normalize_y is False
    assert twin.y_scale_ == 1
    assert_same_bits(twin, own)
    assert_same_bits(twin.partial_fit(X, Z), own.partial_fit(X, Z))


def test_skops(tmp_path):
    sio = pytest.importorskip("skops.io")
    own = make().fit(X, 1e6 * Y)
    sio.dump(own, tmp_path / "own.skops")
    twin = sio.load(tmp_path / "own.skops", trusted=skneural.SKOPS_TYPES)
    assert_same_bits(twin, own)


def test_a_fit_resumed_from_a_checkpoint(tmp_path):
    class StopAfterFive(Checkpoint):
        def on_fit_task_end(self, estimator, context):
            super().on_fit_task_end(estimator, context)
            if estimator._job.progress.epochs == 5:
                raise RuntimeError("killed")

    y, path = 1e6 * Y + 1e8, tmp_path / "own.checkpoint"
    params = {"early_stopping": True, "max_iter": 10}
    with pytest.raises(RuntimeError, match="killed"):
        make(**params).set_callbacks(StopAfterFive(path)).fit(X, y)
    resumed = make(**params).set_callbacks(Checkpoint(path, resume=True)).fit(X, y)
    assert_same_bits(resumed, make(**params).fit(X, y))
    with pytest.raises(ValueError, match="normalize_y=True, and this fit has False"):
        make(**params, normalize_y=False).set_callbacks(Checkpoint(path, resume=True)).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 2)], ids=str)
def test_onnx(shape, dtype):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    y = (1e4 * Y + 1e7).repeat(abs(shape[-1])).reshape(shape)
    own = make(dtype=dtype).fit(X, y)
    model = skneural.to_onnx(own).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [got] = session.run(["prediction"], {"X": X.astype(dtype)})
    expected = own.predict(X)
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    # to the digits of float32, in which the graph computes
    np.testing.assert_allclose(got, expected, rtol=3e-7)
    np.testing.assert_allclose(got - expected, 0, atol=1e-5 * y.std())


def test_skl2onnx():
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    skneural.register_skl2onnx()
    own = make().fit(X, 1e4 * Y + 1e7)
    model = skl2onnx.to_onnx(own, X[:1].astype(np.float32)).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    [got] = session.run(None, {"X": X.astype(np.float32)})
    np.testing.assert_allclose(got[:, 0], own.predict(X), rtol=3e-7)


@pytest.mark.parametrize("scale", [1e39, 1e100])
def test_onnx_refuses_targets_beyond_float32(scale):
    pytest.importorskip("onnx")
    own = make(max_iter=1).fit(X, scale * Z)
    with pytest.raises(ValueError, match="compute in float32, and y_mean_ or y_scale_ is too"):
        skneural.to_onnx(own)
