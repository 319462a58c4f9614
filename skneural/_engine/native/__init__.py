"""The compiled engine: one extension module per SIMD level, all built from the same source."""
