"""Augmentation: each training batch is shifted, flipped or disturbed at random."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from skneural._checks.data import named


class Augmentation:
    """Changes the images, or signals, of a batch; a new draw for every batch.

    Parameters
    ----------
    options : dict or callable
        ``"shift"``: pixels to move by, at most, along each axis, zeros coming in;
        ``"horizontal_flip"``: whether to mirror every other image, on average;
        ``"gaussian_noise"``: standard deviation of what is added. Or a callable
        ``options(images, rng)`` that returns images of the same shape.
    sample_shape : tuple of int
        ``(height, width, channels)`` or ``(length, channels)``.

    References
    ----------
    P. Simard et al., Best practices for convolutional neural networks applied to visual
    document analysis, ICDAR 2003.
    """

    def __init__(
        self,
        options: Mapping[str, float] | Callable[[np.ndarray, np.random.Generator], np.ndarray],
        sample_shape: tuple[int, ...],
    ) -> None:
        self.sample_shape = sample_shape
        self.function = options if callable(options) else None
        options = {} if callable(options) else options
        self.shift = int(options.get("shift", 0))
        self.flip = bool(options.get("horizontal_flip", False))
        self.std = float(options.get("gaussian_noise", 0.0))
        if self.shift >= max(sample_shape[:-1]):
            raise ValueError(
                f"augmentation['shift'] must be less than the longest side of samples of shape "
                f"{sample_shape}, got {self.shift}."
            )
        self.size = 0  # of the workspace, which the first batch makes

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a changed copy of the rows `x`, each a flat sample."""
        if self.size < len(x):
            self._allocate(len(x), x.dtype)
        images, out = x.reshape(-1, *self.sample_shape), self.out[: len(x)]
        if self.function is not None:
            out[...] = images
            with named("augmentation"):
                out = self._checked(self.function(out, rng), out)
        else:
            self._move(images, out, rng)
        if self.std:
            noise = self.noise[: x.size]
            rng.standard_normal(out=noise, dtype=np.float32)
            noise *= self.std
            out += noise.reshape(out.shape)
        return out.reshape(x.shape)

    def _allocate(self, n_samples: int, dtype: np.dtype) -> None:
        self.size = n_samples
        *axes, channels = self.sample_shape
        self.shifts = [min(self.shift, length - 1) for length in axes]  # something stays
        padded = (n + 2 * shift for n, shift in zip(axes, self.shifts, strict=True))
        self.out = np.empty((n_samples, *self.sample_shape), dtype)
        self.padded = np.zeros((n_samples, *padded, channels), dtype)
        if self.std:
            self.noise = np.empty(n_samples * math.prod(self.sample_shape), np.float32)

    def _move(self, images: np.ndarray, out: np.ndarray, rng: np.random.Generator) -> None:
        """Copy every image from its place, perhaps mirrored."""
        axes = self.sample_shape[:-1]
        ends = 2 * np.array(self.shifts) + 1
        corners = rng.integers(0, ends, (len(images), len(axes))).tolist()
        mirrored = (rng.random(len(images)) < 0.5 * self.flip).tolist()
        padded = self.padded[: len(images)]
        middle = [slice(a, a + length) for a, length in zip(self.shifts, axes, strict=True)]
        padded[:, *middle] = images
        for image, corner, mirror, target in zip(padded, corners, mirrored, out, strict=True):
            place = (slice(a, a + length) for a, length in zip(corner, axes, strict=True))
            part = image[*place]
            target[...] = part[..., ::-1, :] if mirror else part

    def _checked(self, images: np.ndarray, expected: np.ndarray) -> np.ndarray:
        images = np.asarray(images)
        if images.shape != expected.shape or images.dtype.kind not in "fiub":
            raise ValueError(
                f"augmentation must return numbers of shape {expected.shape}, like its input; "
                f"got shape {images.shape} and dtype {images.dtype}."
            )
        if not np.isfinite(images).all():
            raise ValueError("augmentation must return finite numbers, got NaN or infinity.")
        return images.astype(expected.dtype, copy=False)
