// Numbers close to zero.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace skneural {

// While it exists, the operations of this thread treat subnormal numbers as zero. The penalty reduces
// the weights of unused units towards zero, and with them the moments of Adam. Without this, most of
// these numbers would be subnormal after some epochs, and operations with subnormal numbers are slower.
class SubnormalsAreZero {
public:
#if defined(__x86_64__) || defined(_M_X64)
    SubnormalsAreZero() : before(_mm_getcsr()) { _mm_setcsr(before | flush_to_zero | denormals_are_zero); }
    ~SubnormalsAreZero() { _mm_setcsr(before); }

private:
    static constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
    unsigned before;
#elif defined(__aarch64__) && defined(__GNUC__)
    SubnormalsAreZero() {
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(before));
        set(before | flush_to_zero);
    }
    ~SubnormalsAreZero() { set(before); }

private:
    static constexpr std::uint64_t flush_to_zero = std::uint64_t(1) << 24;
    std::uint64_t before;
    static void set(std::uint64_t control) { __asm__ __volatile__("msr fpcr, %0" : : "r"(control) : "memory"); }
#else
    SubnormalsAreZero() {}
#endif

public:
    SubnormalsAreZero(const SubnormalsAreZero&) = delete;
    SubnormalsAreZero& operator=(const SubnormalsAreZero&) = delete;
};

}  // namespace skneural
