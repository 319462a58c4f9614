"""Windows of convolutions and pooling layers: their geometry is computed once."""

import copy
import pickle

import pytest

from skneural._network.layers.windows import Windows, place_windows

DERIVED = ["padded", "span", "output", "is_padded"]


def place():
    return place_windows("a layer", (9, 8, 3), (3, 2), (2, 1), "same")


@pytest.mark.parametrize("name", DERIVED)
def test_computed_once(name):
    windows = place()
    first = getattr(windows, name)
    vars(windows).update(image=None, size=None)  # nothing is left to compute it from
    assert getattr(windows, name) is first


def test_what_was_computed_changes_nothing():
    windows, unused = place(), place()
    for name in DERIVED:
        getattr(windows, name)
    assert windows == unused
    assert hash(windows) == hash(unused)
    assert repr(windows) == repr(unused)
    assert pickle.dumps(windows) == pickle.dumps(unused)
    for twin in (pickle.loads(pickle.dumps(windows)), copy.deepcopy(windows)):
        assert twin == windows
        assert [getattr(twin, name) for name in DERIVED] == [
            getattr(windows, name) for name in DERIVED
        ]


def test_values_by_hand():
    windows = Windows((5, 4, 1), (3, 2), (2, 2), (1, 1), (1, 0), (1, 0))
    assert windows.padded == (7, 4)
    assert windows.span == (3, 2)
    assert windows.output == (3, 2)
    assert windows.is_padded
    assert not Windows((4, 4, 1), (2, 2), (2, 2), (1, 1), (0, 0), (0, 0)).is_padded
