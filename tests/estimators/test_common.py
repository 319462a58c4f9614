"""All common estimator checks of scikit-learn, without skips or expected failures."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural.schedules import SCHEDULES

LEAST_CHECKS = {MLPClassifier: 74, MLPRegressor: 66}
LEAST_CHECKS |= {ConvNetClassifier: 74, ConvNetRegressor: 66}


def each(*classes):
    return pytest.mark.parametrize("estimator_class", classes, ids=lambda cls: cls.__name__)


BOTH = each(MLPClassifier, MLPRegressor)

EVERYDAY = {"defaults", "sgd", "lbfgs, linear model", "two layers"}  # the others are long
SETTINGS = {
    "defaults": {},
    "few epochs": {"max_iter": 60},
    # at a higher rate the linear regression of check_regressor_multioutput diverges
    "sgd": {"solver": "sgd", "learning_rate": 1e-3},
    # in 200 steps of 0.001 a linear model does not get far enough to fit the checks' data
    "linear model": {"hidden_layer_sizes": (), "learning_rate": 0.02, "patience": 50},
    # on 15 rows of 15 features, L-BFGS that ends far from the minimum magnifies the rounding by
    # which weights differ from repeated rows
    "lbfgs, linear model": {
        "solver": "lbfgs",
        "hidden_layer_sizes": (),
        "alpha": 0.1,
        "tol": 1e-8,
    },
    # its decay does not keep the 1000 epochs of check_class_weight_classifiers from learning
    # the rows of next to no weight after all
    "adamw": {"solver": "adamw", "patience": 10},
    "rmsprop": {"solver": "rmsprop"},
    # rates that fall begin higher, to get as far
    "adagrad": {"solver": "adagrad", "learning_rate": 0.05},
    # but end before probabilities round to 1: check_classifier_multioutput compares their
    # ranks with those of the logits, on 42 rows that can be separated
    **{
        schedule: {"schedule": schedule, "learning_rate": 0.02, "max_iter": 30}
        for schedule in SCHEDULES
        if schedule not in ("constant", "adaptive")
    },
    "adaptive": {"schedule": "adaptive", "patience": 10, "learning_rate": 0.02, "max_iter": 30},
    "two layers": {"hidden_layer_sizes": (32, 16), "activation": ("tanh", "elu")},
}

# What checks demand that float32 cannot give: float64 predictions, and 7 digits.
FLOAT64_ONLY = {
    "check_regressor_multioutput",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


def run_checks(estimator):
    """Run every check; a check may appear several times with the same name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # some checks have features around 100 with a standard deviation of 1
        warnings.filterwarnings("ignore", r"\w+: X is far from mean 0", UserWarning)
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    # scikit-learn leaves out the check that NaN and infinity are refused where NaN is accepted;
    # tests/checks/test_bad_input.py has infinity
    n_left_out = int(get_tags(estimator).input_tags.allow_nan)
    assert len(results) + n_left_out >= LEAST_CHECKS[type(estimator)]
    return results


def not_passed(results):
    return {
        r["check_name"]: (r["status"], r["exception"])
        for r in results
        if r["status"] != "passed"
    }


@BOTH
@pytest.mark.parametrize(
    "params",
    [
        pytest.param(params, id=name, marks=[pytest.mark.long] * (name not in EVERYDAY))
        for name, params in SETTINGS.items()
    ],
)
def test_every_check_passes(estimator_class, params):
    results = run_checks(estimator_class(**params, random_state=0))
    assert not_passed(results) == {}
    assert not any(r["expected_to_fail"] for r in results)


@each(ConvNetClassifier, ConvNetRegressor)
def test_every_check_passes_of_convnets(estimator_class):
    test_every_check_passes(estimator_class, {})


@pytest.mark.slow
@each(ConvNetClassifier, ConvNetRegressor)
def test_convnets_that_treat_rows_one_by_one(estimator_class):
    # at the default rate the few rows of next to no weight in check_class_weight_classifiers,
    # normalized with the others, keep a class of their own
    params = {"batch_norm": True, "augmentation": {"gaussian_noise": 0.1}}
    test_what_treats_rows_one_by_one_fails_only_the_equivalence_of_weights(
        estimator_class, {**params, "learning_rate": 0.01}
    )


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.1},
        {"batch_norm": True},
        {"input_noise": 0.1},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_what_treats_rows_one_by_one_fails_only_the_equivalence_of_weights(
    estimator_class, params
):
    """A repeated row is dropped, normalized, disturbed or held out separately."""
    failures = not_passed(run_checks(estimator_class(**params, random_state=0)))
    by_definition = {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    }
    assert failures.keys() <= by_definition, failures


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_lbfgs_fails_only_what_rounding_decides(estimator_class, early_stopping):
    """It separates the rows until probabilities round to 1; its steps amplify rounding."""
    params = {"solver": "lbfgs", "early_stopping": early_stopping, "random_state": 0}
    failures = not_passed(run_checks(estimator_class(**params)))
    by_rounding = {
        "check_classifier_multioutput",  # compares the order of probabilities and logits
        "check_sample_weight_equivalence_on_dense_data",  # to 7 digits
        "check_sample_weight_equivalence_on_sparse_data",
    }
    assert failures.keys() <= by_rounding, failures


@BOTH
def test_float32_fails_only_what_needs_float64(estimator_class):
    results = run_checks(estimator_class(dtype="float32", random_state=0))
    failures = not_passed(results)
    assert failures.keys() <= FLOAT64_ONLY, failures
    assert {status for status, _ in failures.values()} <= {"failed"}


@each(*LEAST_CHECKS)
def test_no_tag_switches_a_check_off(estimator_class):
    tags = get_tags(estimator_class())
    of_kind = tags.classifier_tags or tags.regressor_tags
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not tags._skip_test
    assert not of_kind.poor_score
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.classifier_tags is None or tags.classifier_tags.multi_label
    assert tags.input_tags.sparse
