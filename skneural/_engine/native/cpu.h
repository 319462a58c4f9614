// Tests whether the CPU supports a SIMD level and the operating system saves its wide registers.
// The CPU features correspond to the compiler flags in setup.py.
#pragma once

#if defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace skneural {

#if defined(_M_X64)  // MSVC has no __builtin_cpu_supports

// Whether all bits of `mask` are set in EBX (index 1) or ECX (index 2) of a CPUID leaf.
inline bool cpuid_has(int leaf, int index, unsigned mask) noexcept {
    int registers[4];
    __cpuid(registers, 0);
    if (registers[0] < leaf) return false;
    __cpuidex(registers, leaf, 0);
    return (static_cast<unsigned>(registers[index]) & mask) == mask;
}

// Whether the operating system saves the registers whose bits in XCR0 are set in `mask`.
inline bool system_saves(unsigned mask) noexcept {
    const unsigned osxsave = 1u << 27;
    return cpuid_has(1, 2, osxsave) && (_xgetbv(0) & mask) == mask;
}

inline bool cpu_has_avx2() noexcept {
    const unsigned fma = 1u << 12, avx = 1u << 28, avx2 = 1u << 5;
    const unsigned xmm_ymm = 0x06;
    return system_saves(xmm_ymm) && cpuid_has(1, 2, fma | avx) && cpuid_has(7, 1, avx2);
}

inline bool cpu_has_avx512() noexcept {
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    const unsigned xmm_ymm_masks_zmm = 0xe6;
    return system_saves(xmm_ymm_masks_zmm) && cpuid_has(7, 1, f | dq | bw | vl);
}

#elif defined(__x86_64__)

inline bool cpu_has_avx2() noexcept {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

inline bool cpu_has_avx512() noexcept {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

#else  // other architectures have the baseline only

inline bool cpu_has_avx2() noexcept { return false; }
inline bool cpu_has_avx512() noexcept { return false; }

#endif

}  // namespace skneural
