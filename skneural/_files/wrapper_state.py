"""Conversion of the attributes of scikit-learn's estimators to JSON and arrays, and back."""

import json
import math
from collections.abc import Callable, Collection, Mapping

import numpy as np
from scipy.interpolate import BSpline

from skneural._files.plain_values import (
    codes_to_text,
    from_plain,
    is_time,
    text_to_codes,
    time_dtype,
    to_plain,
)
from skneural._files.safetensors_file import (
    DTYPES,
    Json,
    ModelFile,
    Told,
    is_endless,
    read_json,
)
from skneural._network.array_types import Shape

_SEQUENCES = (list, tuple, set, frozenset)
_LEAST_TABLE = 100  # minimum size of a dict of numbers by name that is stored as arrays


class StateWriter:
    """Describes values as JSON, and collects their arrays.

    Parameters
    ----------
    names : dict
        Names of the functions and types that may appear, by function or type.
    describe : callable
        Called as ``describe(value, path)`` for any other value. It returns JSON, or None if
        it cannot describe the value, either.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays, named after the path to them, such as ``steps.standardscaler.mean_``.
    """

    def __init__(
        self,
        names: Mapping[str, object],
        describe: Callable[[object, str], dict[str, Json] | None],
    ) -> None:
        self.names, self.describe = names, describe
        self.arrays: dict[str, np.ndarray] = {}

    def write(self, value: object, path: str) -> Json:
        """Return JSON for a value; raise a TypeError that names it if it cannot be saved."""
        kind = type(value)
        if isinstance(value, _SEQUENCES) and kind in _SEQUENCES:
            return {kind.__name__: self._write_sequence(value, path)}
        if type(value) is dict:
            return self._write_dict(value, path)
        if type(value) is slice:
            return {"slice": [to_plain(v) for v in (value.start, value.stop, value.step)]}
        if type(value) is np.ndarray:
            return self._write_array(value, path)
        if isinstance(value, BSpline) and kind is BSpline:
            pieces = [value.t, value.c, value.k, value.extrapolate]
            return {"BSpline": [self.write(v, f"{path}.{k}") for k, v in enumerate(pieces)]}
        if isinstance(value, np.dtype) and value.kind in "biufUO":
            return {"dtype": value.str}
        if kind.__module__.partition(".")[0] == "pandas" and hasattr(value, "tolist"):
            return self.write(value.tolist(), path)  # an Index with the names of columns
        if callable(value) and (name := self._name_of(value)) is not None:
            return {"name": name}
        if (described := self.describe(value, path)) is not None:
            return described
        try:
            return to_plain(value)
        except TypeError:
            raise TypeError(
                f"{path} cannot be saved: {value!r:.200} is neither a plain value nor one of "
                "the classes and functions of scikit-learn and NumPy that are allowed in a "
                "file. See docs/persistence.md."
            ) from None

    def _write_sequence(self, values: Collection[object], path: str) -> Json:
        if isinstance(values, set | frozenset):
            values = sorted(values, key=repr)  # the same file in every process
        places = [f"{path}.{_own_name(value, k)}" for k, value in enumerate(values)]
        if _own_name(values, None) is not None:
            places[:2] = [f"{path}.name", path]
        return [self.write(value, place) for value, place in zip(values, places, strict=True)]

    def _name_of(self, value: object) -> str | None:
        return next((name for name, known in self.names.items() if known is value), None)

    def _write_dict(self, value: dict[object, object], path: str) -> Json:
        keys, entries = list(value), list(value.values())
        is_table = {*map(type, keys)} == {str} and {*map(type, entries)} <= {int, np.int64}
        if is_table and len(keys) >= _LEAST_TABLE and len({*map(type, entries)}) == 1:
            return {
                "table": [
                    self._write_array(np.array(keys, object), f"{path}.keys"),
                    self._write_array(np.array(entries, np.int64), f"{path}.values"),
                    type(entries[0]) is int,
                ]
            }
        pairs = enumerate(zip(keys, entries, strict=True))
        return {"dict": [[to_plain(k), self.write(v, f"{path}.{i}")] for i, (k, v) in pairs]}

    def _write_array(self, array: np.ndarray, path: str) -> Json:
        dtype = array.dtype.newbyteorder("<")
        if is_time(dtype):
            self._keep(path, array.astype(dtype).view(np.int64))
            return {"times": [path, dtype.str[1:]]}
        if dtype.str in DTYPES.values():
            is_by_columns = array.ndim == 2 and array.strides[0] < array.strides[1]
            if is_by_columns and not array.flags.c_contiguous:
                self._keep(path, array.T)  # the rounding of BLAS depends on the layout
                return {"transposed": [path, dtype.str]}
            self._keep(path, array)
            return {"stored": [path, dtype.str]}
        if dtype.kind == "U":
            self._keep(path, text_to_codes(array))
            return {"text": path}
        if dtype.kind != "O":
            raise TypeError(f"{path} cannot be saved: it is an array of {array.dtype}.")
        try:
            entries = [to_plain(entry) for entry in array.reshape(-1).tolist()]
        except TypeError as error:
            raise TypeError(f"{path} cannot be saved: {error}.") from None
        text = json.dumps({"list": entries}, allow_nan=False, separators=(",", ":"))
        self._keep(path, np.frombuffer(text.encode(), np.uint8))
        return {"entries": [path, list(array.shape)]}

    def _keep(self, path: str, array: np.ndarray) -> None:
        if path in self.arrays:
            raise ValueError(f"two arrays have the name {path!r}")
        self.arrays[path] = array


def _own_name(value: object, otherwise: int | None) -> object:
    """Return the name in a tuple such as ("scaler", StandardScaler()), a step of a Pipeline."""
    if type(value) is tuple and len(value) > 1 and type(value[0]) is str:
        return value[0]
    return otherwise


class StateReader:
    """Returns the values that a `StateWriter` has described; others raise a ValueError.

    Parameters
    ----------
    file : ModelFile
    values : dict
        The functions and types that may appear, by name.
    build : dict of str to callable
        Functions by the only key of the JSON that the writer's `describe` has returned. They
        are called with that JSON.
    """

    def __init__(
        self,
        file: ModelFile,
        values: Mapping[str, object],
        build: Mapping[str, Callable[[Told], object]],
    ) -> None:
        self.file, self.values = file, values
        self.readers: dict[str, Callable[[Told], Told]] = {
            "list": self._read_list,
            "tuple": lambda entries: tuple(self._read_list(entries)),
            "set": lambda entries: set(self._read_list(entries)),
            "frozenset": lambda entries: frozenset(self._read_list(entries)),
            "dict": lambda pairs: {from_plain(k): self.read(v) for k, v in pairs},
            "table": self._read_table,
            "slice": self._read_slice,
            "BSpline": self._read_spline,
            "dtype": _read_dtype,
            "name": self._read_name,
            "stored": lambda told: self._read_stored(*told),
            "transposed": lambda told: self._read_stored(*told).T,
            "times": self._read_times,
            "text": lambda name: codes_to_text(self._read_stored(name, "<u4"), name),
            "entries": self._read_entries,
            **build,
        }

    def read(self, told: Told) -> Told:
        """Return the value that JSON describes."""
        if isinstance(told, dict) and len(told) == 1:
            [(kind, content)] = told.items()
            if kind in self.readers:
                return self.readers[kind](content)
        return from_plain(told)

    def _read_list(self, entries: Told) -> list[Told]:
        if not isinstance(entries, list):
            raise ValueError(f"{entries!r:.60} is not a list")
        return [self.read(entry) for entry in entries]

    def _read_table(self, content: Told) -> dict[str, int]:
        keys, entries, is_int = content
        keys, entries = self.read(keys).tolist(), self.read(entries)
        entries = entries.tolist() if is_int is True else list(entries)
        table = dict(zip(keys, entries, strict=True))
        if len(table) < len(keys):
            raise ValueError("a name appears twice in a table")
        return table

    def _read_slice(self, content: Told) -> slice:
        bounds = [from_plain(bound) for bound in content]
        if len(bounds) != 3 or not {*map(type, bounds)} <= {int, str, type(None)}:
            raise ValueError("a slice has an invalid description")
        return slice(*bounds)

    def _read_spline(self, content: Told) -> BSpline:
        t, c, k, extrapolate = (self.read(entry) for entry in content)
        return BSpline(t, c, k, extrapolate=extrapolate)

    def _read_name(self, name: Told) -> object:
        if not isinstance(name, str) or name not in self.values:
            raise ValueError(f"it names {name!r:.80}, which is not allowed in a file")
        return self.values[name]

    def _read_stored(self, name: Told, dtype: Told) -> np.ndarray:
        if dtype not in DTYPES.values():
            raise ValueError(f"{dtype!r:.60} is not a dtype of an array")
        return self.file.read(name, dtype, self._shape(name))

    def _read_times(self, content: Told) -> np.ndarray:
        name, dtype = content
        return self._read_stored(name, "<i8").view(time_dtype(dtype))

    def _read_entries(self, content: Told) -> np.ndarray:
        name, shape = content
        text = self._read_stored(name, "|u1").tobytes()
        plain = read_json(text)
        if plain.keys() != {"list"} or not isinstance(plain["list"], list):
            raise ValueError(f"array {name!r} has an invalid description")
        entries = [from_plain(entry) for entry in plain["list"]]
        if not isinstance(shape, list) or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"array {name!r} has an invalid description")
        if len(shape) > 32 or math.prod(shape) != len(entries) or is_endless(tuple(shape)):
            raise ValueError(f"array {name!r} has an invalid description")
        array = np.empty(len(entries), object)
        for k, entry in enumerate(entries):  # an entry may be an array
            array[k] = entry
        return array.reshape(shape)

    def _shape(self, name: Told) -> Shape:
        if not isinstance(name, str) or name not in self.file.arrays:
            raise ValueError(f"array {name!r:.80} is missing")
        return self.file.arrays[name][1]


def _read_dtype(told: Told) -> np.dtype:
    if not isinstance(told, str) or len(told) > 6 or told[1:2] not in tuple("biufUO"):
        raise ValueError(f"{told!r:.60} is not a dtype")
    return np.dtype(told)
