"""The layers of a network; `_base` is their contract."""
