// Exponentials and logarithms without branches, so that the compiler can vectorize loops over them.
// The results are within a few units in the last place of the exact values.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "vectors.h"

namespace skneural {

template <class T>
struct Float;

template <>
struct Float<float> {
    using Bits = std::int32_t;
    static constexpr int mantissa = 23, bias = 127;
    static constexpr float largest = 88.72283f;  // exp of larger values is infinite
    static constexpr float smallest = -86.9f;    // exp of smaller values is zero: no denormals
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr int exp_terms = 7, atanh_terms = 6;
};

template <>
struct Float<double> {
    using Bits = std::int64_t;
    static constexpr int mantissa = 52, bias = 1023;
    static constexpr double largest = 709.782712893384, smallest = -708;
    static constexpr double ln2_high = 6.93147180369123816490e-01,
                            ln2_low = 1.90821492927058770002e-10;
    static constexpr int exp_terms = 13, atanh_terms = 17;
};

template <class T>
SKNEURAL_INLINE T from_bits(typename Float<T>::Bits bits) {
    T x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

template <class T>
SKNEURAL_INLINE typename Float<T>::Bits to_bits(T x) {
    typename Float<T>::Bits bits;
    std::memcpy(&bits, &x, sizeof x);
    return bits;
}

// 2 ** n for an integer n whose power is a normal number. If x was NaN, n has an arbitrary value. The
// computation is unsigned, because signed integers must not overflow.
template <class T>
SKNEURAL_INLINE T power_of_two(typename Float<T>::Bits n) {
    using Unsigned = std::make_unsigned_t<typename Float<T>::Bits>;
    return from_bits<T>(typename Float<T>::Bits((Unsigned(n) + Float<T>::bias) << Float<T>::mantissa));
}

// Write x = n ln 2 + r with |r| <= ln 2 / 2, and return exp(r) - 1 from its Taylor series.
template <class T>
SKNEURAL_INLINE T reduced_expm1(T x, typename Float<T>::Bits& n) {
    using F = Float<T>;
    // Adding and subtracting 1.5 * 2 ** mantissa rounds to the nearest integer. After the addition
    // the last bits contain this integer.
    constexpr T shift = T(3) * (typename F::Bits(1) << (F::mantissa - 1));
    T shifted = x * T(1.4426950408889634) + shift;
    T whole = shifted - shift;
    using Unsigned = std::make_unsigned_t<typename F::Bits>;
    n = typename F::Bits(Unsigned(to_bits(shifted)) - Unsigned(to_bits(shift)));
    T r = (x - whole * F::ln2_high) - whole * F::ln2_low;
    T series = 1;
    SKNEURAL_UNROLL
    for (int i = F::exp_terms; i > 1; --i) series = 1 + series * r * (T(1) / i);
    return series * r;
}

template <class T>
SKNEURAL_INLINE T exponential(T x) {
    using F = Float<T>;
    typename F::Bits n;
    T bounded = x < F::smallest ? F::smallest : x;
    bounded = bounded > F::largest ? F::largest : bounded;
    T y = 1 + reduced_expm1(bounded, n);
    y = y * power_of_two<T>(n - 1) * 2;  // 2 ** n itself may overflow
    y = x > F::largest ? std::numeric_limits<T>::infinity() : y;
    y = x < F::smallest ? T(0) : y;
    return x == x ? y : x;
}

// exp(x) - 1, exact near zero, for x <= 0
template <class T>
SKNEURAL_INLINE T exponential_minus_1(T x) {
    using F = Float<T>;
    typename F::Bits n;
    constexpr T lowest = -T(F::mantissa + 3) * T(0.6931471805599453);  // the result is -1
    T bounded = x < lowest ? lowest : x;
    bounded = bounded > 0 ? T(0) : bounded;
    T r = reduced_expm1(bounded, n);
    T scale = power_of_two<T>(n);
    T y = scale * r + (scale - 1);
    return x == x ? y : x;
}

// 2 atanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3, from its power series
template <class T>
SKNEURAL_INLINE T twice_atanh(T s) {
    T square = s * s, series = T(1) / (2 * Float<T>::atanh_terms + 1);
    SKNEURAL_UNROLL
    for (int i = Float<T>::atanh_terms - 1; i >= 0; --i) series = series * square + T(1) / (2 * i + 1);
    return 2 * s * series;
}

// log(1 + u) for u in [0, 1]
template <class T>
SKNEURAL_INLINE T logarithm_1_plus(T u) {
    return twice_atanh(u / (2 + u));
}

template <class T>
SKNEURAL_INLINE T logistic(T z) {
    return 1 / (1 + exponential(-z));
}

template <class T>
SKNEURAL_INLINE T hyperbolic_tangent(T z) {
    T e = exponential_minus_1(T(-2) * (z < 0 ? -z : z));  // exp(-2 |z|) - 1
    T y = -e / (2 + e);
    return z < 0 ? -y : y;
}

template <class T>
SKNEURAL_INLINE T softplus(T z) {
    T positive = z > 0 ? z : T(0);
    T y = positive + logarithm_1_plus(exponential(z < 0 ? z : -z));
    return z == z ? y : z;
}

}  // namespace skneural
