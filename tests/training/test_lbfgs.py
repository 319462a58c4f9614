"""L-BFGS: linear models as in scikit-learn, the history, stopping, and refused options."""

import warnings

import numpy as np
import pytest
from _callbacks import Callback
from scipy import sparse
from sklearn.callback import ProgressBar
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV

from skneural import MLPClassifier, MLPRegressor

X, Y = load_digits(return_X_y=True)
X, X_VAL, Y, Y_VAL = X[:300] / 16, X[300:450] / 16, Y[:300], Y[300:450]
BOTH = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])
TO_THE_END = {"tol": 1e-9, "max_iter": 5000}


def make(cls=MLPClassifier, **params):
    defaults = {"solver": "lbfgs", "hidden_layer_sizes": (8,), "alpha": 1e-4}
    return cls(**{**defaults, "random_state": 0, **params})


def weights(y, weighted):
    return np.arange(len(y)) % 4 if weighted else None


@WEIGHTED
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_logistic_regression(n_classes, weighted):
    x, y = load_iris(return_X_y=True)
    x, y = x[y < n_classes], y[y < n_classes]
    weight = weights(y, weighted)
    own = make(hidden_layer_sizes=(), alpha=0.5, **TO_THE_END).fit(x, y, weight)
    peer = LogisticRegression(C=1 / 0.5, **TO_THE_END).fit(x, y, weight)
    np.testing.assert_allclose(own.coefs_[0].T, peer.coef_, atol=1e-4)
    np.testing.assert_allclose(own.predict_proba(x), peer.predict_proba(x), atol=1e-4)


@WEIGHTED
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_equals_ridge(container, weighted):
    x, y = load_diabetes(return_X_y=True)
    y = np.c_[y, y[::-1]]
    weight = weights(y, weighted)
    own = make(MLPRegressor, hidden_layer_sizes=(), alpha=0.5, **TO_THE_END)
    own.set_params(normalize_y=False).fit(container(x), y, weight)
    peer = Ridge(alpha=0.5).fit(x, y, weight)
    np.testing.assert_allclose(own.coefs_[0].T, peer.coef_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(own.predict(x), peer.predict(x), rtol=1e-4)


def test_float32_is_as_near_as_its_digits_allow():
    x, y = load_diabetes(return_X_y=True)
    x, y = x / x.std(axis=0), (y - y.mean()) / y.std()
    # from this seed a fit that ends at 64 times the precision is off by 0.03
    own = make(MLPRegressor, hidden_layer_sizes=(), alpha=1.0, random_state=3)
    own.set_params(dtype="float32").fit(x, y)
    np.testing.assert_allclose(own.predict(x), Ridge(1.0).fit(x, y).predict(x), atol=5e-3)


def test_equals_poisson_regression():
    x = np.random.default_rng(0).normal(size=(100, 3))
    y = np.random.default_rng(1).poisson(np.exp(x[:, 0] - 0.5 * x[:, 1]))
    own = make(MLPRegressor, hidden_layer_sizes=(), loss="poisson", alpha=50, **TO_THE_END)
    peer = PoissonRegressor(alpha=0.5, **TO_THE_END).fit(x, y)
    np.testing.assert_allclose(own.fit(x, y).coefs_[0][:, 0], peer.coef_, atol=1e-4)


@WEIGHTED
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_equals_gamma_regression(alpha, weighted):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = 50 * rng.gamma(2, np.exp(x[:, 0] - 0.5 * x[:, 1]))
    weight = weights(y, weighted)
    own = make(MLPRegressor, hidden_layer_sizes=(), loss="gamma", **TO_THE_END)
    own.set_params(alpha=alpha * (len(x) if weight is None else weight.sum()))
    peer = GammaRegressor(alpha=alpha, **TO_THE_END).fit(x, y, weight)
    own.fit(x, y, weight)
    np.testing.assert_allclose(own.coefs_[0][:, 0], peer.coef_, atol=1e-4)
    intercept = own.intercepts_[0] + np.log(own.y_scale_)  # y was divided by it
    np.testing.assert_allclose(intercept, peer.intercept_, atol=1e-4)
    np.testing.assert_allclose(own.predict(x), peer.predict(x), rtol=1e-4)
    own.set_params(normalize_y=False).fit(x, y, weight)
    np.testing.assert_allclose(own.coefs_[0][:, 0], peer.coef_, atol=1e-4)
    np.testing.assert_allclose(own.intercepts_[0], peer.intercept_, atol=1e-4)


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_falls_and_is_recorded(cls, dtype):
    own = make(cls, dtype=dtype, max_iter=20, patience=None)
    if cls is MLPRegressor:
        own.set_params(normalize_y=False)
    own.fit(X, Y)
    assert own.n_iter_ == 20
    assert own.t_ == 20 * 300
    assert np.all(np.diff(own.loss_curve_) <= 0)
    assert {len(values) for values in own.history_.values()} == {20}
    assert np.isnan(own.history_["learning_rate"]).all()
    assert own.network_.dtype == dtype
    own.network_.bind(300)  # what is recorded last is the network that is left
    encoded = np.eye(10)[Y] if cls is MLPClassifier else Y[:, None]
    loss = own.network_.loss_and_grad(X.astype(dtype), encoded.astype(dtype), alpha=own.alpha)
    assert own.loss_ == pytest.approx(loss, rel=1e-6)
    assert own.history_["grad_norm"][-1] == pytest.approx(
        np.linalg.norm(own.network_.grad), rel=1e-4
    )


def test_validation_data_choose_the_iteration():
    own = make(max_iter=300, patience=5).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert own.n_iter_ < 300
    assert own.score(X_VAL, Y_VAL) == own.best_validation_score_ == max(own.validation_scores_)
    held_out = make(early_stopping=True).fit(X, Y)
    assert held_out.best_validation_score_ == max(held_out.validation_scores_)
    at_once = make(target_score=0.0).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert at_once.n_iter_ == 1


def test_without_validation_data_patience_does_not_matter():
    few = make(patience=1, max_iter=1000).fit(X, Y)
    assert few.loss_curve_ == make(patience=1000, max_iter=1000).fit(X, Y).loss_curve_


@BOTH
def test_same_seed_same_bits(cls):
    own, again = (make(cls, max_iter=10, patience=None).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(own.network_.theta, again.network_.theta)


def test_warm_start_goes_on():
    own = make(max_iter=10, patience=None, warm_start=True).fit(X, Y)
    own.fit(X, Y)
    assert own.n_iter_ == 20
    assert own.loss_curve_[10] < own.loss_curve_[9]


def test_a_start_at_the_minimum_is_one_epoch():
    own = make(MLPRegressor, hidden_layer_sizes=(), alpha=0.0)
    own.fit(X, np.zeros(300), coefs_init=[np.zeros((64, 1))])
    assert own.n_iter_ == 1
    assert own.loss_curve_ == [0.0]
    own.set_params(warm_start=True).fit(X, np.zeros(300))
    assert own.n_iter_ == 2


@pytest.mark.parametrize("limit", [{"max_iter": 3}, {"max_fun": 3}], ids=str)
def test_warns_unless_converged(limit):
    with pytest.warns(ConvergenceWarning, match=r"max_iter=\d+ or max_fun=\d+.*tol=0.0001"):
        make(**limit, patience=10).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(**limit, patience=None).fit(X, Y)
        make(hidden_layer_sizes=(), alpha=1.0, max_iter=1000).fit(X, Y)


def test_callbacks_see_every_iteration_and_can_stop():
    class StopAtThird(Callback):
        def __init__(self):
            self.epochs = 0

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            self.epochs += context.task_name == "epoch"
            return self.epochs == 3

    own = make().set_callbacks(StopAtThird()).fit(X, Y)
    assert own.n_iter_ == 3
    plain = make(max_iter=3, patience=None).fit(X, Y)
    np.testing.assert_array_equal(own.network_.theta, plain.network_.theta)


def test_progress_bar(capsys):
    make(max_iter=3, patience=None).set_callbacks(ProgressBar()).fit(X, Y)
    assert "MLPClassifier" in capsys.readouterr().out


def test_can_be_searched():
    search = GridSearchCV(make(patience=None), {"solver": ["lbfgs", "adam"]}, cv=2)
    assert search.fit(X, Y).cv_results_["mean_test_score"].min() > 0.5


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dropout", 0.5),
        ("dropout", (0.5,)),
        ("batch_norm", True),
        ("input_noise", 0.1),
        ("max_grad_norm", 1.0),
        ("l1_ratio", 0.5),
    ],
)
def test_what_does_not_go_with_it_says_what_to_do(cls, name, value):
    own = make(cls, **{name: value})
    with pytest.raises(ValueError, match=rf"{name} must be .*'lbfgs'.*Use solver='adam'"):
        own.fit(X, Y)
    assert not hasattr(own, "network_")


@BOTH
def test_there_is_no_partial_fit(cls):
    own = make(cls)
    assert not hasattr(own, "partial_fit")
    with pytest.raises(AttributeError) as info:
        own.partial_fit(X, Y)
    assert "Call fit, or use another solver" in str(info.value)


@pytest.mark.filterwarnings(r"ignore:\w+. X is far from mean 0")  # it is, and overflows
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "gamma"])
def test_overflow_says_why(loss):
    own = make(MLPRegressor, loss=loss)
    with pytest.raises(ValueError, match=r"no longer finite.*alpha.*Scale X"):
        own.fit(X * 1e200, Y + 1.0)
    assert not hasattr(own, "network_")


def test_sparse_rows_are_never_laid_out_in_full():
    """All rows form one batch, which would take 128 GiB as a dense array."""
    n = 2**17
    x = sparse.eye_array(n, format="csr")
    own = make(hidden_layer_sizes=(), max_iter=2, patience=None).fit(x, np.arange(n) % 2)
    assert own.n_iter_ > 0
