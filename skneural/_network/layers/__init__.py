"""The layers of a network; `base` is their contract."""
