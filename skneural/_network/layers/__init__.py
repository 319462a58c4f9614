"""The layers of a network: `base` is their contract, `table` has all of them."""
