"""Manipulated model files that have a correct checksum."""

import hashlib
import io
import json
import pickle
import zipfile

import numpy as np

from skneural._files.safetensors_file import write
from skneural._files.save import contents, plain_parameters


def rewrite(own, path, text=(), arrays=(), **about):
    """Save with some of the text, arrays or description replaced; None removes an array."""
    plain = plain_parameters(own)
    own_text, own_arrays = contents(own, own._progress, own._batch_size, plain)
    told = {**json.loads(own_text["estimator"]), **about}
    own_arrays = {k: v for k, v in {**own_arrays, **dict(arrays)}.items() if v is not None}
    write(path, {**own_text, "estimator": json.dumps(told), **dict(text)}, own_arrays)


def assembled(header, body):
    """Return a file with any header and arrays, and the right length and checksum."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    data = len(header).to_bytes(8, "little") + header + body
    return data + hashlib.sha256(data).digest()


class Payload:
    """Sets an environment variable when it is unpickled."""

    def __reduce__(self):
        return exec, ("import os; os.environ['SKNEURAL_PAYLOAD'] = 'ran'",)


VALUES = [
    None, True, -1, 0, 1, 2, 3, 64, 10**6, 10**12, 2**63, 10**400, 0.5, -1.0, 1e308, "", "x",
    "relu", "../../etc/passwd", "__import__('os').abort()", "O", "|O8", "<U999999999", "F64",
    [], {}, [1], [0] * 999, [10**12, 10**12], {"tuple": [1, 2]}, {"float": "nan"}, {"x": 1},
    {"float": "inf"}, {"tuple": [10**9]}, {"tuple": [1] * 20_000}, {"dict": [[[], 1]]},
    {"list": [{"list": []}]}, {"array": ["<i8", [10**9, 0], []]}, {"array": ["|O", [1], [1]]},
    {"array": ["<U999999999", [1], ["x"]]}, {"numpy": ["<f16", 1]}, {"numpy": ["<M8", 1]},
    {"schedule": ["Step", {"dict": [["period", 0]]}]}, {"schedule": ["Popen", {"dict": []}]},
    {"RandomState": [[0] * 624, 10**6, 0, 0.0]}, {"RandomState": [[0] * 3, 1, 0, 0.0]},
    {"name": "os.system"}, {"name": "numpy.matmul"}, {"dtype": "<U999999999"}, {"dtype": "|O"},
    {"estimator": {"class": "Popen", "params": {"args": "true"}, "fitted": {}}},
    {"estimator": {"class": "OneHotEncoder", "params": {}, "fitted": {"categories_": []}}},
    {"slice": [0, 10**12, None]}, {"stored": ["theta", "<f8"]}, {"transposed": ["x", "<f8"]},
]  # fmt: skip


def places(data, path=()):
    """Return the places of all values in a JSON tree, from the outside in."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def changed(tree, rng):
    """Change, remove or repeat one value in a JSON tree."""
    tree = json.loads(json.dumps(tree))
    paths = list(places(tree))
    *parents, key = paths[rng.integers(len(paths))]
    node = tree
    for parent in parents:
        node = node[parent]
    kind = rng.integers(8)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, dict):
        node[f"{key}2"] = node[key]
    elif kind == 2:  # what stands elsewhere
        other = tree
        for parent in paths[rng.integers(len(paths))]:
            other = other[parent]
        node[key] = json.loads(json.dumps(other))
    else:
        node[key] = VALUES[rng.integers(len(VALUES))]
    return tree


def of_arrays(**entries):
    """Return a file with four numbers and any description of them."""
    return assembled({"__metadata__": {"format": "skneural 1"}, **entries}, bytes(32))


def strangers():
    """Return files that are not model files, some of them with a correct checksum, by name."""
    zipped, payload = io.BytesIO(), pickle.dumps(Payload())
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../tmp/escaped.npy", bytes(10**7))
    arrays = io.BytesIO()
    np.savez(arrays, theta=np.array([Payload()], dtype=object))
    entry = {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}
    four = {"dtype": "F64", "shape": [4], "data_offsets": [0, 32]}
    before, endless = {**four, "data_offsets": [-32, 0]}, {**four, "shape": [9] * 400_000}
    digest = {"dtype": "U8", "shape": [32], "data_offsets": [32, 64]}
    return {
        "nothing": b"",
        "a byte": b"\x00",
        "text": b"hello" * 100,
        "pickle": payload * 20,
        "a pickle inside": assembled(payload, b""),
        "zip bomb": zipped.getvalue(),
        "npz of objects": arrays.getvalue(),
        "header without an end": (10**18).to_bytes(8, "little") + b"{" * 500,
        "deep header": assembled(b'{"a":' * 100_000, b""),
        "deep lists": assembled(b'{"a":' + b"[" * 500_000, b""),
        "long number": assembled(b'{"a":' + b"9" * 100_000 + b"}", b""),
        "repeated name": assembled(b'{"a":1,"a":2}', b""),
        "not a number": assembled(b'{"a":NaN}', b""),
        "a list": assembled(b"[" + b"1," * 200_000 + b"1]", b""),
        "an empty object": assembled(b"{}", b""),
        "eight terabytes": assembled({"__metadata__": {}, "theta": entry}, b""),
        "overlapping arrays": of_arrays(theta=four, state=four, sha256=digest),
        "negative offsets": of_arrays(theta=before, sha256=digest),
        "the name of a path": of_arrays(**{"../../etc/passwd": four, "sha256": digest}),
        "a shape without end": of_arrays(theta=endless, sha256=digest),
        "no checksum": of_arrays(theta=four),
        "metadata without end": assembled({"__metadata__": {"a": "x" * 2**21}}, b""),
        "not text": assembled(b'{"\xff\xfe": 1}', b""),
    }


def mutated(data, rng):
    """Return the bytes of a model file with one change and a correct checksum."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length : -32]
    kind = rng.integers(10)
    if kind < 6:  # what it tells of the estimator
        tree = changed(json.loads(header["__metadata__"]["estimator"]), rng)
        header["__metadata__"]["estimator"] = json.dumps(tree)
    elif kind < 8:  # names, dtypes, shapes and places of arrays
        header = changed(header, rng)
    elif kind == 8:
        body = body[: rng.integers(len(body))]
    else:  # wild numbers
        body = bytearray(body)
        start = rng.integers(len(body))
        body[start : start + 64] = rng.bytes(len(body[start : start + 64]))
        body = bytes(body)
    return assembled(header, body)


def damaged(data, rng):
    """Return the bytes of a file that is cut off or has some flipped bits."""
    if rng.integers(2):
        return data[: rng.integers(len(data))]
    data = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 4)):
        data[place] ^= 1 << rng.integers(8)
    return bytes(data)
