"""The layers of a network: `base` contains their contract, and `table` lists all of them."""
