"""Copies of all kinds predict and continue training with the same bits as the original."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException

import skneural
from skneural import ConvNetClassifier, ConvNetRegressor, MLPClassifier, MLPRegressor
from skneural._network.layers.activations import ACTIVATIONS
from skneural.schedules import SCHEDULES

X, Y = load_digits(return_X_y=True)
X, Y = X[:120], Y[:120]
ALL = [MLPClassifier, MLPRegressor, ConvNetClassifier, ConvNetRegressor]
EVERY = pytest.mark.parametrize("cls", ALL)


def through_joblib(own, path, mmap_mode=None, **options):
    [*files] = joblib.dump(own, path / "own.joblib", **options)
    return joblib.load(files[0], mmap_mode=mmap_mode)


def through_skops(own, path):
    skops.io.dump(own, path / "own.skops")
    return skops.io.load(path / "own.skops", trusted=skneural.SKOPS_TYPES)


def through_save(own, path):
    skneural.save(own, path / "own.skneural")
    return skneural.load(path / "own.skneural")


WAYS = {
    "pickle": lambda own, path: pickle.loads(pickle.dumps(own)),
    "old pickle": lambda own, path: pickle.loads(pickle.dumps(own, protocol=2)),
    "cloudpickle": lambda own, path: cloudpickle.loads(cloudpickle.dumps(own)),
    "deepcopy": lambda own, path: copy.deepcopy(own),
    "joblib": through_joblib,
    "compressed": lambda own, path: through_joblib(own, path, compress=3),
    "mapped": lambda own, path: through_joblib(own, path, mmap_mode="r"),
    "skops": through_skops,
    "save": through_save,
}


def make(cls, **params):
    shape = {"input_shape": (8, 8, 1), "filters": (3, 4)} if "Conv" in cls.__name__ else {}
    noise = {"dropout": 0.2, "input_noise": 0.1, "batch_norm": True, "schedule": "cosine"}
    more = {"max_iter": 2, "patience": None, "batch_size": 32, "random_state": 0}
    own = cls(**{"hidden_layer_sizes": (12,), **shape, **noise, **more, **params})
    return make_pipeline(StandardScaler(), own)


@EVERY
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_the_same_to_the_bit(cls, way, warm_start, tmp_path):
    own = make(cls, warm_start=warm_start).fit(X, Y)
    twin = WAYS[way](own, tmp_path)
    for _ in range(2):
        np.testing.assert_array_equal(twin.predict(X), own.predict(X))
        if hasattr(own, "predict_proba"):
            np.testing.assert_array_equal(twin.predict_proba(X), own.predict_proba(X))
        for pipe in (own, twin):
            rows = pipe[0].transform(X)
            pipe[-1].fit(rows, Y) if warm_start else pipe[-1].partial_fit(rows, Y)
        assert twin[-1].loss_curve_ == own[-1].loss_curve_
        assert twin[-1].history_["learning_rate"] == own[-1].history_["learning_rate"]


@EVERY
def test_training_on_a_read_only_map_leaves_the_file_alone(cls, tmp_path):
    own = make(cls, warm_start=True).fit(X, Y)
    twin = through_joblib(own, tmp_path, mmap_mode="r")
    assert not twin[-1].coefs_[0].flags.writeable
    twin[-1].partial_fit(X, Y)
    assert twin[-1].coefs_[0].flags.writeable
    again = joblib.load(tmp_path / "own.joblib")
    np.testing.assert_array_equal(again.predict(X), own.predict(X))


@EVERY
@pytest.mark.parametrize("warm_start", [False, True])
def test_no_copy_is_much_larger_than_its_weights(cls, warm_start):
    sizes = {"hidden_layer_sizes": (400, 300), "batch_size": 100, "early_stopping": True}
    own = make(cls, **sizes, warm_start=warm_start).fit(X, Y)[-1]
    own.predict(X[:1])  # layers stay bound for one row
    state = 3 if warm_start else 1  # Adam's moments
    for copied in (pickle.dumps(own), cloudpickle.dumps(own)):
        assert len(copied) < 1.1 * state * own.network_.theta.nbytes + 30_000 * state


VARIANTS = [
    *({"activation": name} for name in ACTIVATIONS),
    *({"schedule": cls()} for cls in SCHEDULES.values()),
    *({"loss": name} for name in ("squared_error", "hinge", "perceptron")),
    *({"loss": name} for name in skneural._network.losses.regression.REGRESSOR_LOSSES),
    {"link": "log"}, {"link": "logit", "output_range": (0, 9)},
    {"loss": "quantile", "quantile": [0.1, 0.9]},
    *({"solver": name, **plain} for name, plain in {
        "lbfgs": {"dropout": 0.0, "input_noise": 0.0, "batch_norm": False},
        "rmsprop": {}, "adagrad": {}, "adamw": {}, "sgd": {}}.items()),
    {"early_stopping": True}, {"target": "binary"}, {"target": "indicator"},
    {"target": "columns"}, {"target": "text"},
]  # fmt: skip
# the layers, losses and solvers are the same classes in convolutional networks
OF_CONVOLUTIONS = [
    {"pool": "max"}, {"pool": "average"}, {"pool": ("max", "global_average")}, {"pool": None},
    {"early_stopping": True}, {"target": "indicator"}, {"target": "text"},
]  # fmt: skip
TARGETS = {
    "binary": Y > 4,
    "indicator": (Y[:, None] >> np.arange(3)) & 1,
    "columns": np.column_stack([Y, Y % 3]),
    "text": np.array([*"abcdefghi", "ten"])[Y],
}


def varied(cls, variant):
    """Return the Pipeline of a variant and its targets, or None without such a parameter."""
    y = TARGETS.get(variant.get("target"), Y)
    if variant == {"loss": "gamma"}:
        y = Y + 1
    params = {name: value for name, value in variant.items() if name != "target"}
    own = make(cls, max_iter=1)
    if not params.keys() <= own[-1].get_params().keys() or (
        "target" in variant and "Reg" in str(cls)
    ):
        return None
    try:
        own[-1].set_params(**params)._check_parameters()
    except ValueError:  # a loss of the other kind of estimator
        return None
    return own, y


FITS = [
    pair
    for cls in ALL
    for params in (OF_CONVOLUTIONS if "Conv" in cls.__name__ else VARIANTS)
    if (pair := varied(cls, params))
]


@pytest.mark.parametrize(("own", "y"), FITS)
def test_skops_asks_for_no_other_types(own, y):
    data = skops.io.dumps(own.fit(X, y))
    assert set(skops.io.get_untrusted_types(data=data)) <= set(skneural.SKOPS_TYPES)
    twin = skops.io.loads(data, trusted=skneural.SKOPS_TYPES)
    np.testing.assert_array_equal(twin.predict(X), own.predict(X))


def test_skops_still_refuses_what_is_not_ours():
    assert all(name.startswith("skneural.") for name in skneural.SKOPS_TYPES)
    own = make_pipeline(FunctionTransformer(pickle.dumps), MinMaxScaler(), make(MLPRegressor))
    data = skops.io.dumps(own)
    with pytest.raises(UntrustedTypesFoundException, match="dumps"):
        skops.io.loads(data, trusted=skneural.SKOPS_TYPES)


BEFORE_THE_MOVE = Path(__file__).parents[1] / "data" / "estimators_before_the_move.pickle"


def test_pickles_from_before_the_modules_were_moved():
    """Run in a new process, because this process has imported all modules already."""
    code = (
        "import pickle, sys, numpy as np\n"
        "X, c, y, estimators, predictions = pickle.load(open(sys.argv[1], 'rb'))\n"
        "for name, own in estimators.items():\n"
        "    np.testing.assert_allclose(own.predict(X), predictions[name], rtol=1e-9)\n"
        "    assert 'estimators' in type(own).__module__ or hasattr(own, 'steps')\n"
        "print(*estimators, sep=', ')"
    )
    command = [sys.executable, "-c", code, str(BEFORE_THE_MOVE)]
    names = subprocess.check_output(command, text=True)
    assert names.count(",") == 5


OLD_NAMES = [
    *("_checkpoint.Checkpoint", "_diagnostics.Diagnostics", "_finding.Diagnosis"),
    *("_report.StudyReport", "_study.Study", "_summary.Summary"),
    *("display._diagnostics.DiagnosticsDisplay", "display._loss_curve.LossCurveDisplay"),
    *("display._study.StudyDisplay", "display._weights.WeightsDisplay"),
    *("_losses.SoftmaxCrossEntropy", "_losses.PinballLoss", "_classification_losses.MultiHead"),
]


def test_pickles_find_every_class_by_its_name_from_then():
    """Load in a new process; a pickle refers to a class by the name of its module."""
    code = (
        "import pickle, sys\n"
        "for name in sys.argv[1:]:\n"
        "    module, _, cls = name.rpartition('.')\n"
        "    found = pickle.loads(f'cskneural.{module}\\n{cls}\\n.'.encode())\n"
        "    assert found.__name__ == cls\n"
    )
    subprocess.run([sys.executable, "-c", code, *OLD_NAMES], check=True)


def test_skops_trusts_the_names_from_before_the_modules_were_moved():
    assert {
        "skneural._mlp.MLPClassifier",
        "skneural._network.Network",
        "skneural._training.Progress",
        "skneural.layers._dense.Dense",
    } <= set(skneural.SKOPS_TYPES)
