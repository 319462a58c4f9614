"""Array engines. `skneural.ops._numpy` is the reference that the others follow."""
