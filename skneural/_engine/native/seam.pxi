# The seam between Python and the C++ engine, included by one module per SIMD level.

cdef extern from "engine.h" namespace "skneural":
    int vector_bytes() noexcept nogil

cdef extern from "cpu.h" namespace "skneural":
    bint cpu_has_avx2() noexcept nogil
    bint cpu_has_avx512() noexcept nogil


def simd_level():
    """Return the name of the SIMD level that this module was compiled for."""
    return __name__.rpartition(".")[2]


def vector_width():
    """Return the number of bytes in a vector register at this SIMD level."""
    return vector_bytes()


def usable_levels():
    """Return the names of the SIMD levels that this CPU can run, the slowest first."""
    levels = ["baseline"]
    if cpu_has_avx2():
        levels.append("avx2")
        if cpu_has_avx512():
            levels.append("avx512")
    return levels
