// The compiled engine.
#pragma once

namespace skneural {

// The number of bytes in a vector register at the SIMD level of this module.
constexpr int vector_bytes() noexcept {
#if defined(__AVX512F__)
    return 64;
#elif defined(__AVX2__)
    return 32;
#else
    return 16;
#endif
}

}  // namespace skneural
