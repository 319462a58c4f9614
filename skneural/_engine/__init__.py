"""The engine that computes a network: compiled code where it is there, NumPy otherwise."""

from skneural._engine.load import engine_name, native, why_none

__all__ = ["engine_name", "native", "why_none"]
