"""Conversion of plain parameters to JSON and back, with exactly the same types and bits."""

import math
import re
from collections.abc import Callable

import numpy as np

from skneural._files.safetensors_file import Json, Told, is_endless
from skneural.schedules import SCHEDULES, Schedule

_KINDS = "biufU"  # kinds of NumPy's dtypes: booleans, integers, floats, text
_TIME = re.compile(r"[mM]8\[\d{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]")
_MOST_TEXT = 1 << 20  # characters in an array of text, all entries as wide as the longest


def to_plain(value: object) -> Json:
    """Return `value` as JSON; raise a TypeError if it is not a plain parameter."""
    if value is None or type(value) is bool or type(value) is int or type(value) is str:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is list or type(value) is tuple:
        return {type(value).__name__: [to_plain(entry) for entry in value]}
    if type(value) is dict:
        return {"dict": [[to_plain(key), to_plain(entry)] for key, entry in value.items()]}
    if isinstance(value, Schedule) and type(value) in SCHEDULES.values():
        params = value.get_params(deep=False)
        return {"schedule": [type(value).__name__, to_plain(params)]}
    if type(value) is np.random.RandomState:
        state = value.get_state(legacy=False)
        if state["bit_generator"] == "MT19937":
            words = state["state"]
            rest = words["pos"], state["has_gauss"], state["gauss"]
            return {"RandomState": [words["key"].tolist(), *rest]}
    if isinstance(value, np.generic | np.ndarray) and value.dtype.str[1:] in _dtypes(value):
        if isinstance(value, np.generic):
            return {"numpy": [value.dtype.str, to_plain(value.item())]}
        entries = [to_plain(entry) for entry in value.reshape(-1).tolist()]
        return {"array": [value.dtype.str, list(value.shape), entries]}
    raise TypeError(f"{value!r} is neither a plain value nor a schedule of skneural.schedules")


def _dtypes(value: np.generic | np.ndarray) -> set[str]:
    """Return the dtypes that can be saved, without byte order; C's long double is excluded."""
    if value.dtype.kind == "U":
        return {value.dtype.str[1:]}
    return {"b1", *(f"{kind}{size}" for kind in "iuf" for size in (1, 2, 4, 8))}


def text_to_codes(array: np.ndarray) -> np.ndarray:
    """Return an array of text as an array of code points with one more axis."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    width = array.dtype.itemsize // 4
    return array.reshape(-1).view("<u4").reshape(*array.shape, width)


def codes_to_text(codes: np.ndarray, name: str) -> np.ndarray:
    """Return text from its code points; raise a ValueError if the array contains no text."""
    if codes.ndim < 1 or codes.shape[-1] < 1 or codes.max(initial=0) > 0x10FFFF:
        raise ValueError(f"array {name!r} does not contain text")
    text = np.ascontiguousarray(codes, "<u4").reshape(-1).view(f"<U{codes.shape[-1]}")
    return text.astype(f"=U{codes.shape[-1]}", copy=False).reshape(codes.shape[:-1])


def is_time(dtype: np.dtype) -> bool:
    """Return whether a dtype is one of datetimes or timedeltas with a unit, such as M8[ns]."""
    return dtype.kind in "mM" and _TIME.fullmatch(dtype.str[1:]) is not None


def time_dtype(text: Told) -> np.dtype:
    """Return the dtype of datetimes or timedeltas that text such as "M8[ns]" describes."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError(f"{text!r:.60} is not a dtype of datetimes")
    return np.dtype(text)


def from_plain(data: Told) -> Told:
    """Return the value that `to_plain` converted; raise a ValueError for other data."""
    if data is None or type(data) in (bool, int, str, float):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueError(f"{data!r:.60} does not describe a value")
    [(kind, content)] = data.items()
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind in _READERS and isinstance(content, list):
        return _READERS[kind](content)
    raise ValueError(f"{data!r:.60} does not describe a value")


def _read_list(entries: list[Told]) -> list[Told]:
    return [from_plain(entry) for entry in entries]


def _read_dict(pairs: list[Told]) -> dict[object, object]:
    return {from_plain(key): from_plain(entry) for key, entry in pairs}


def _read_schedule(content: list[Told]) -> Schedule:
    name, params = content
    classes = {cls.__name__: cls for cls in SCHEDULES.values()}
    schedule = classes[name](**from_plain(params))
    schedule.check()
    return schedule


def _read_random_state(content: list[Told]) -> np.random.RandomState:
    keys, position, has_gauss, gauss = content
    keys = np.array(keys, dtype=np.uint32)
    # NumPy accepts any position, and would read beyond the end of the keys
    if keys.shape != (624,) or type(position) is not int or not 0 <= position <= 624:
        raise ValueError("a RandomState has an invalid description")
    random_state = np.random.RandomState(0)
    random_state.set_state(("MT19937", keys, position, int(bool(has_gauss)), float(gauss)))
    return random_state


def _read_array(content: list[Told]) -> np.ndarray:
    dtype, shape, entries = content
    array = _as_array(dtype, _read_list(entries)).reshape(shape)
    if is_endless(array.shape):
        raise ValueError(f"an array of shape {array.shape} without entries is too long")
    return array


def _read_scalar(content: list[Told]) -> np.generic:
    dtype, entry = content
    return _as_array(dtype, [from_plain(entry)])[0]


def _as_array(dtype: Told, entries: list[Told]) -> np.ndarray:
    if not isinstance(dtype, str) or dtype[1:2] not in tuple(_KINDS) or len(dtype) > 12:
        raise ValueError(f"{dtype!r:.60} is not a dtype")
    if dtype[1] == "U":  # not the width in the file, which may be wrong
        widest = max(map(len, entries), default=0)
        if len(entries) * widest > _MOST_TEXT or set(map(type, entries)) - {str}:
            raise ValueError("an array of text has an invalid description")
        return np.array(entries, dtype=f"U{max(widest, 1)}")
    return np.array(entries, dtype=np.dtype(dtype))


_READERS: dict[str, Callable[[list[Told]], object]] = {
    "list": _read_list,
    "tuple": lambda entries: tuple(_read_list(entries)),
    "dict": _read_dict,
    "schedule": _read_schedule,
    "RandomState": _read_random_state,
    "array": _read_array,
    "numpy": _read_scalar,
}
