"""The engines that compute a network: compiled code if it is available, and NumPy otherwise."""

from skneural._engine.load import engine_name, native, why_none

__all__ = ["engine_name", "native", "why_none"]
