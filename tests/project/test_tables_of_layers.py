"""Each layer is in every table that needs it; a failing test says what to add where."""

import inspect
import pkgutil
from importlib import import_module

import pytest
from test_layers import LAYERS as TESTED

from skneural._files import onnx
from skneural._network import layers
from skneural._network.layers.base import Layer
from skneural._network.layers.table import LAYERS
from skneural._network.layers.user_activation import UserActivation

FOLDER = "skneural/_network/layers"
MODULES = [
    import_module(f"{layers.__name__}.{m.name}") for m in pkgutil.iter_modules(layers.__path__)
]
# of what their modules define, those that compute something: not a base class of others
DEFINED = [
    cls
    for module in MODULES
    for name, cls in inspect.getmembers(module, inspect.isclass)
    if issubclass(cls, Layer) and cls.__module__ == module.__name__
    if cls.forward is not Layer.forward and not name.startswith("_")
    if cls is not UserActivation  # it runs code of the user's, which no file may do
]


@pytest.mark.parametrize("cls", DEFINED)
def test_a_layer_is_in_the_table_of_layers(cls):
    assert cls in LAYERS, (
        f"Enter {cls.__name__} in LAYERS of {FOLDER}/table.py, or in ACTIVATIONS of "
        f"{FOLDER}/activations.py if it is an activation. Otherwise skops does not trust it."
    )


@pytest.mark.parametrize("cls", LAYERS)
def test_a_layer_can_be_converted_to_onnx(cls):
    assert cls.only_training or cls in onnx._LAYERS, (
        f"Enter {cls.__name__} in _LAYERS of skneural/_files/onnx.py, with a function adding "
        "its nodes to a graph; or set only_training = True in the class, if the layer does "
        "nothing in predictions."
    )


@pytest.mark.parametrize("cls", LAYERS)
def test_a_layer_is_tested(cls):
    assert cls in {type(make()) for make in TESTED.values()}, (
        f"Enter {cls.__name__} in LAYERS of tests/network/test_layers.py, with a function that "
        "makes one: shape, dtype, random numbers, memory and predictions are then tested."
    )
