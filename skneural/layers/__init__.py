"""The layers of a network, one short file each; `_base` is their contract."""
