"""The array engine: what networks need beyond plain ufuncs."""
