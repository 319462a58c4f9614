"""Networks that do not fit into memory are refused, and predictions use limited memory."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from _callbacks import Callback
from _mutations import rewrite
from _refusal import refusal
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.datasets import load_digits

import skneural
from skneural import (
    Checkpoint,
    ConvNetClassifier,
    ConvNetRegressor,
    MLPClassifier,
    MLPRegressor,
)
from skneural._files.save import plain_parameters

X, Y = load_digits(return_X_y=True)
X, Y = X[:60] / 16, Y[:60]
MLPS, CONVNETS = [MLPClassifier, MLPRegressor], [ConvNetClassifier, ConvNetRegressor]
ABSURD = [
    *((cls, {"hidden_layer_sizes": 10**12}) for cls in MLPS + CONVNETS),
    *((cls, {"hidden_layer_sizes": (10**6, 10**6)}) for cls in MLPS),
    *((cls, {"hidden_layer_sizes": 10**100}) for cls in MLPS),
    *((cls, {"filters": 10**12}) for cls in CONVNETS),
    *((cls, {"kernel_size": 10**12}) for cls in CONVNETS),
    *((cls, {"kernel_size": 10**5, "padding": 10**5}) for cls in CONVNETS),
    *((cls, {"padding": 10**12}) for cls in CONVNETS),
    *((cls, {"dilation": 10**12}) for cls in CONVNETS),
    *((cls, {"dilation": 10**5}) for cls in CONVNETS),
]
SIZES = pytest.mark.parametrize(("cls", "params"), ABSURD, ids=str)


def make(cls, **params):
    shape = {"input_shape": (8, 8, 1), "filters": 4} if cls in CONVNETS else {}
    return cls(**{"max_iter": 2, "patience": None, "random_state": 0, **shape, **params})


@pytest.fixture
def little_memory():
    """Check that no more than a megabyte is allocated by NumPy or Python."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@SIZES
@pytest.mark.usefixtures("little_memory")
def test_absurd_sizes_say_how_many_bytes_they_need(cls, params):
    for solver in ("adam", "lbfgs"):
        own = make(cls, **params, solver=solver)
        with refusal(own, "bytes", *params, error=ValueError):
            own.fit(X, Y)
        with pytest.raises(ValueError, match=r"at least [\d,]{12,} bytes"):
            own.fit(X, Y)


@SIZES
def test_a_file_of_absurd_sizes_is_not_loaded(cls, params, tmp_path):
    own, path = make(cls).fit(X, Y), tmp_path / "own.skneural"
    sizes = {"params": {**plain_parameters(own), **params}}
    if isinstance(params.get("hidden_layer_sizes"), tuple):
        sizes["params"]["hidden_layer_sizes"] = {"tuple": [10**6, 10**6]}
    rewrite(own, path, **sizes)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"cannot be loaded: .*at least [\d,]{12,} bytes"):
        skneural.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_network_too_large_to_train_here_can_be_loaded(tmp_path, monkeypatch):
    own, path = make(MLPClassifier, warm_start=True).fit(X, Y), tmp_path / "own.skneural"
    skneural.save(own, path)
    memory = 3 * own.network_.theta.nbytes
    monkeypatch.setattr(os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else memory)
    np.testing.assert_array_equal(skneural.load(path).predict(X), own.predict(X))
    with pytest.raises(ValueError, match=f"training .* the machine has {memory:,}"):
        own.fit(X, Y)


@pytest.mark.parametrize("cls", MLPS + CONVNETS)
def test_more_layers_than_anyone_needs(cls):
    own = make(cls, hidden_layer_sizes=[1] * 10_001)
    with refusal(own, "hidden_layer_sizes may have 10,000 entries, got 10,001"):
        own.fit(X, Y)


@pytest.mark.parametrize("cls", MLPS + CONVNETS)
def test_a_batch_is_never_larger_than_the_data(cls):
    own = make(cls, batch_size=10**18).fit(X, Y)
    np.testing.assert_array_equal(
        own.network_.theta, make(cls, batch_size=60).fit(X, Y).network_.theta
    )


@pytest.mark.parametrize("shape", [None, (64, 1), (8, 8, 1)])
@pytest.mark.parametrize("padding", ["same", "valid", 1])
@pytest.mark.parametrize("name", ["strides", "pool_strides"])
@pytest.mark.filterwarnings("ignore:ConvNetClassifier. Flat rows")
def test_strides_beyond_the_image_leave_one_window(name, padding, shape):
    params = {"input_shape": shape, "padding": padding}
    if name == "strides":
        params["pool"] = None  # a single window cannot be pooled
    fits = [
        make(ConvNetClassifier, **params, **{name: strides}).fit(X, Y)
        for strides in (100, 10**19)
    ]
    np.testing.assert_array_equal(*(own.network_.theta for own in fits))
    np.testing.assert_array_equal(*(own.predict_proba(X) for own in fits))


@pytest.mark.parametrize("cls", CONVNETS)
def test_wide_paddings_are_made_for_an_image_at_a_time(cls):
    """Processing all 60 at once would take 500 MB."""
    tracemalloc.start()
    make(cls, dilation=500, max_iter=1).fit(X, Y)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def predict_peak(own, x):
    """Return the peak memory of a prediction, without its result."""
    own.predict(x[:70])
    tracemalloc.start()
    answer = own.predict_proba(x) if is_classifier(own) else own.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return answer, peak - answer.nbytes


@pytest.fixture
def numpy_engine(monkeypatch):
    """Run networks on NumPy, because memory of the compiled engine is not traced."""
    monkeypatch.setattr("skneural._engine.program.compile_program", lambda network: None)


def test_predictions_of_the_compiled_engine_keep_to_the_working_memory():
    """For all rows the hidden units would take 800 MB, but for 256 rows only 40 MB."""
    code = """
import resource
import numpy as np
from sklearn import config_context
from skneural import MLPRegressor
x = np.zeros((5_000, 4), np.float32)
own = MLPRegressor(40_000, max_iter=1, patience=None, dtype="float32").fit(x[:2], [0, 1])
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
own.predict(x[:100])
before = peak()
with config_context(working_memory=1):
    own.predict(x)
small = peak() - before
own.predict(x)
print(small, peak() - before)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    small, large = map(int, answer.stdout.split())
    scale = 1024 if sys.platform == "darwin" else 1  # bytes there, else kilobytes
    assert small < 10_000 * scale
    assert large < 200_000 * scale


@pytest.mark.usefixtures("numpy_engine")
@pytest.mark.parametrize(
    ("cls", "dtype"), [(MLPClassifier, "float32"), (MLPRegressor, "float64")]
)
def test_predictions_keep_to_the_working_memory_of_scikit_learn(cls, dtype):
    own = make(cls, hidden_layer_sizes=(20_000, 20), max_iter=1, dtype=dtype).fit(X, Y)
    x = np.tile(X, (5, 1)).astype(dtype)
    whole, peak = predict_peak(own, x)
    assert peak > 2**21 + 2**20  # the test can fail
    with config_context(working_memory=2):
        answer, peak = predict_peak(own, x)
    assert peak < 2**21
    np.testing.assert_allclose(answer, whole, rtol=1e-4 if dtype == "float32" else 1e-10)
    with config_context(working_memory=0):  # a row at a time
        answer, peak = predict_peak(own, x)
    assert peak < 2**19
    np.testing.assert_allclose(answer, whole, rtol=1e-4 if dtype == "float32" else 1e-10)


class Loses(Callback):
    """Removes the directory after some epochs, as if a disk were unplugged."""

    def __init__(self, directory, epochs):
        self.directory, self.left = directory, epochs

    def on_fit_task_end(self, estimator, context):
        self.left -= 1
        if not self.left:
            self.directory.rename(self.directory.with_name("elsewhere"))


@pytest.mark.parametrize("cls", MLPS + CONVNETS)
def test_a_disk_that_is_gone_leaves_the_checkpoint_and_the_estimator(cls, tmp_path):
    (tmp_path / "disk").mkdir()
    path = tmp_path / "disk" / "fit"
    own = make(cls, max_iter=5)
    own.set_callbacks(Checkpoint(path), Loses(tmp_path / "disk", 2))
    with refusal(own, str(path), "could not be written", error=OSError):
        own.fit(X, Y)
    assert os.listdir(tmp_path / "elsewhere") == ["fit"]
    assert skneural.load(tmp_path / "elsewhere" / "fit").n_iter_ == 2


@pytest.mark.parametrize("cls", MLPS + CONVNETS)
def test_a_place_that_cannot_be_written(cls):
    own = make(cls).set_callbacks(Checkpoint("/proc/fit"))
    with refusal(own, "/proc/fit", "written", error=OSError):
        own.fit(X, Y)
    own = make(cls).fit(X, Y)
    with refusal(
        own, "/proc/fit", "could not be written", error=OSError, make=make, data=(X, Y)
    ):
        skneural.save(own, "/proc/fit")
