"""A file of arrays and text in the layout of safetensors, with a checksum at its end.

The file begins with the length of the header (8 bytes, little-endian). The header is JSON and
contains the dtype, shape and position of every array. The arrays follow one after the other.
The last of them, ``"sha256"``, is the digest of all bytes before it. A file contains no code,
no compressed data and no paths, and all sizes are known before the first array is allocated.
The format is described in https://huggingface.co/docs/safetensors/index#format
"""

import hashlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from skneural._network.array_types import Shape

Path = str | os.PathLike[str]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
# JSON from a file, which may have any structure until it has been checked. `load` converts all
# errors that its use raises to an error that names the file.
Told = Any
Entry = tuple[np.dtype, Shape, int]  # dtype, shape and position of an array in a file

DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
_MOST_HEADER = 1 << 20  # reading JSON takes up to 25 times its bytes
_MOST_EMPTY = 10_000
_DIGEST = 32
_CHUNK = 1 << 20


def write(path: Path, text: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file, or leave an existing file unchanged if that fails.

    Parameters
    ----------
    path : str or path-like
        The file. It is replaced when the new one is complete and on the disk.
    text : dict of str to str
        Text to be stored in the header.
    arrays : dict of str to ndarray
        Arrays with the dtypes in `DTYPES`, in either byte order.
    """
    entries: dict[str, object] = {"__metadata__": text}
    data, stop = [], 0
    for name, array in {**arrays, "sha256": np.zeros(_DIGEST, np.uint8)}.items():
        dtype = array.dtype.newbyteorder("<")
        start, stop = stop, stop + array.nbytes
        entries[name] = {
            "dtype": NAMES[dtype.str],
            "shape": list(array.shape),
            "data_offsets": [start, stop],
        }
        data.append(np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8).data)
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # arrays begin at a multiple of 8
    if len(header) > _MOST_HEADER:
        raise ValueError(
            f"The header of the file would have {len(header):,} bytes, and may have at most "
            f"{_MOST_HEADER:,}: a parameter of the estimator is too long."
        )
    digest = hashlib.sha256()
    with _replacing(os.fspath(path)) as file:
        parts: list[bytes | memoryview] = [len(header).to_bytes(8, "little"), header]
        for part in (*parts, *data[:-1]):
            digest.update(part)
            file.write(part)
        file.write(digest.digest())


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    """Yield a file to write to, which replaces the one at `path` when it is complete."""
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.remove(temporary)
        if not isinstance(error, OSError):
            raise
        raise OSError(
            error.errno,
            f"{path} could not be written ({error.strerror}); an existing file is unchanged",
        ) from error
    with suppress(OSError):  # the new name should outlast a power failure
        directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def remove_leftovers(path: Path) -> None:
    """Remove incomplete files that a killed process has left beside `path`."""
    directory, name = os.path.split(os.fspath(path))
    for other in os.listdir(directory or "."):
        if other.startswith(f"{name}.") and other.endswith(".tmp"):
            with suppress(OSError):
                os.remove(os.path.join(directory, other))


class ModelFile:
    """A file open for reading, whose checksum and header have been checked.

    Parameters
    ----------
    path : str or path-like

    Attributes
    ----------
    text : dict of str to str
    arrays : dict of str to tuple
        Dtype, shape and position of every array.

    Raises
    ------
    ValueError
        If the file does not have this format, or has been damaged.
    """

    def __init__(self, path: Path) -> None:
        self.file = open(path, "rb")  # noqa: SIM115, closed by __exit__
        try:
            self._read_header()
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> "ModelFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def _read_header(self) -> None:
        size = os.fstat(self.file.fileno()).st_size
        length = int.from_bytes(self.file.read(8), "little")
        self.begin = 8 + length
        if not 2 <= length <= _MOST_HEADER or self.begin + _DIGEST > size:
            raise ValueError("it is not a model file of skneural, or has been cut off")
        header = self.file.read(length)
        if header[:1] != b"{":
            raise ValueError("it is not a model file of skneural")
        self._check_digest(size, header)
        entries = read_json(header)
        self.text: dict[str, Told] = entries.pop("__metadata__", None)
        if not isinstance(self.text, dict):
            raise ValueError("its header has no metadata")
        self.arrays: dict[str, Entry] = {}
        stop = 0
        for name, entry in entries.items():
            self.arrays[name] = dtype, shape, start = _check_entry(name, entry)
            if start != stop:
                raise ValueError(f"array {name!r} does not begin where the previous array ends")
            stop += dtype.itemsize * math.prod(shape)
        if self.begin + stop != size:
            raise ValueError(
                f"its arrays should have {stop:,} bytes, and it has {size - self.begin:,}"
            )
        if self.arrays.pop("sha256", None) != (np.uint8, (_DIGEST,), stop - _DIGEST):
            raise ValueError("its last array is not a checksum")

    def _check_digest(self, size: int, header: bytes) -> None:
        digest = hashlib.sha256(len(header).to_bytes(8, "little"))
        digest.update(header)
        left = size - self.begin - _DIGEST
        while left > 0:
            chunk = self.file.read(min(left, _CHUNK))
            if not chunk:  # the file shrinks while it is read
                break
            digest.update(chunk)
            left -= len(chunk)
        if digest.digest() != self.file.read():
            raise ValueError("its checksum is wrong: it has been damaged or cut off")

    def read(self, name: str, dtype: DTypeLike, shape: Shape) -> np.ndarray:
        """Return an array after checking its dtype and shape. It can be read only once."""
        expected = np.dtype(dtype), tuple(shape)
        found = self.arrays.pop(name, None)
        if found is None:
            raise ValueError(f"array {name!r} is missing")
        if found[:2] != expected:
            raise ValueError(
                f"array {name!r} must be {expected[0]} of shape {expected[1]}, got {found[0]} "
                f"of shape {found[1]}"
            )
        array = np.empty(shape, dtype)
        buffer = array.reshape(-1).view(np.uint8)
        self.file.seek(self.begin + found[2])
        if self.file.readinto(buffer.data) != array.nbytes:
            raise ValueError(f"array {name!r} is cut off")
        if array.dtype == bool and buffer.max(initial=0) > 1:
            raise ValueError(f"array {name!r} has bytes that are neither 0 nor 1")
        return array


class Section:
    """The arrays of a model file whose names begin with a prefix, under names without it.

    Parameters
    ----------
    file : ModelFile
    prefix : str

    Attributes
    ----------
    arrays : dict of str to tuple
    """

    def __init__(self, file: ModelFile, prefix: str) -> None:
        self.file, self.prefix = file, prefix
        self.arrays = {
            name.removeprefix(prefix): entry
            for name, entry in file.arrays.items()
            if name.startswith(prefix)
        }

    def read(self, name: str, dtype: DTypeLike, shape: Shape) -> np.ndarray:
        """Return an array as `ModelFile.read` does."""
        return self.file.read(f"{self.prefix}{name}", dtype, shape)


def read_json(text: str | bytes) -> dict[str, Told]:
    """Return the object that JSON text describes; raise a ValueError for other text."""
    try:
        data = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("its header is not an object")
    return data


def _without_repeats(pairs: list[tuple[str, Told]]) -> dict[str, Told]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a name appears twice in its header")
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"its header has {constant}, which is not JSON")


def is_endless(shape: Shape) -> bool:
    """Return whether an array of this shape has no entries, but many subarrays."""
    return 0 in shape and max(shape) > _MOST_EMPTY


def _check_entry(name: str, entry: Told) -> Entry:
    """Return the dtype, shape and start of an array from its description in the header."""
    wrong = ValueError(f"array {name!r} has an invalid description")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise wrong
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise wrong
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or any(type(n) is not int or n < 0 for n in numbers):
            raise wrong
    if len(shape) > 64:  # NumPy allows no more dimensions, and their product might take minutes
        raise wrong
    if is_endless(shape):
        raise wrong
    dtype = np.dtype(DTYPES[dtype])
    if len(offsets) != 2 or offsets[1] - offsets[0] != dtype.itemsize * math.prod(shape):
        raise wrong
    return dtype, tuple(shape), offsets[0]
