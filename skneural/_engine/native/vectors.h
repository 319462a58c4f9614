// One SIMD register of values. The compiler chooses the instructions for the SIMD level of the
// extension module that includes this file.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace skneural {

using Index = std::int64_t;

#if defined(__AVX512F__)
constexpr Index vector_bytes = 64;
#elif defined(__AVX__)
constexpr Index vector_bytes = 32;
#else
constexpr Index vector_bytes = 16;  // SSE2 and NEON
#endif

template <class T>
constexpr Index width = vector_bytes / Index(sizeof(T));  // values in a register

#if defined(__GNUC__) && !defined(SKNEURAL_PLAIN_VECTORS)  // GCC and Clang

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
    typedef float type __attribute__((vector_size(vector_bytes)));
};
template <>
struct VectorOf<double> {
    typedef double type __attribute__((vector_size(vector_bytes)));
};
template <>
struct VectorOf<std::int32_t> {
    typedef std::int32_t type __attribute__((vector_size(vector_bytes)));
};
template <>
struct VectorOf<std::int64_t> {
    typedef std::int64_t type __attribute__((vector_size(vector_bytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;

#if !defined(__clang__)
#define SKNEURAL_HAS_SHUFFLES
template <class T>
using Integer = typename std::conditional<sizeof(T) == 4, std::int32_t, std::int64_t>::type;
#endif

#define SKNEURAL_INLINE inline __attribute__((always_inline))
#define SKNEURAL_UNROLL _Pragma("GCC unroll 16")

#define SKNEURAL_PREFETCH(address) __builtin_prefetch(address, 0, 2)

template <class T>
SKNEURAL_INLINE Vector<T> broadcast(T value) {
    return value - Vector<T>{};
}

template <class T>
SKNEURAL_INLINE Vector<T> larger(const Vector<T>& x, const Vector<T>& y) {
    return x > y ? x : y;
}

// In the lanes where x is larger than `best` or NaN, set `best` to x and `where` to `place`.
template <class T, class P>
SKNEURAL_INLINE void keep_larger(const Vector<T>& x, P place, Vector<T>& best, Vector<P>& where) {
    auto larger = (x > best) | (x != x);
    best = larger ? x : best;
    where = larger ? broadcast(place) : where;
}

#if defined(__AVX512F__)
#define SKNEURAL_HAS_QUOTIENTS  // and masks

// There are no operators for these functions. The masks select all lanes: GCC 12 warns about an
// uninitialized value in the functions without a mask.
SKNEURAL_INLINE Vector<float> root(const Vector<float>& x) {
    return Vector<float>(_mm512_maskz_sqrt_ps(__mmask16(-1), __m512(x)));
}
SKNEURAL_INLINE Vector<double> root(const Vector<double>& x) {
    return Vector<double>(_mm512_maskz_sqrt_pd(__mmask8(-1), __m512d(x)));
}

// 1 / x to 14 bits
SKNEURAL_INLINE Vector<float> rough_reciprocal(const Vector<float>& x) {
    return Vector<float>(_mm512_maskz_rcp14_ps(__mmask16(-1), __m512(x)));
}
SKNEURAL_INLINE Vector<double> rough_reciprocal(const Vector<double>& x) {
    return Vector<double>(_mm512_maskz_rcp14_pd(__mmask8(-1), __m512d(x)));
}

// Load the first n values and fill the rest with zeros; store only the first n values.
SKNEURAL_INLINE Vector<float> load_first(const float* from, Index n) {
    return Vector<float>(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), from));
}
SKNEURAL_INLINE Vector<double> load_first(const double* from, Index n) {
    return Vector<double>(_mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), from));
}
SKNEURAL_INLINE void store_first(float* to, const Vector<float>& x, Index n) {
    _mm512_mask_storeu_ps(to, __mmask16((1u << n) - 1), __m512(x));
}
SKNEURAL_INLINE void store_first(double* to, const Vector<double>& x, Index n) {
    _mm512_mask_storeu_pd(to, __mmask8((1u << n) - 1), __m512d(x));
}

// Return x with NaN replaced by 1, for values of at most 1.
SKNEURAL_INLINE Vector<float> one_for_nan(const Vector<float>& x) {
    return Vector<float>(_mm512_maskz_min_ps(__mmask16(-1), __m512(x), _mm512_set1_ps(1)));
}
SKNEURAL_INLINE Vector<double> one_for_nan(const Vector<double>& x) {
    return Vector<double>(_mm512_maskz_min_pd(__mmask8(-1), __m512d(x), _mm512_set1_pd(1)));
}

// x / y for y > 0, with an error of one or two units in the last place. Division and square root
// share one slow unit of the CPU. Newton steps, each of which doubles the number of correct bits, run
// on other units at the same time.
template <class T>
SKNEURAL_INLINE Vector<T> quotient(const Vector<T>& x, const Vector<T>& y) {
    Vector<T> reciprocal = rough_reciprocal(y);
    SKNEURAL_UNROLL
    for (int bits = 14; bits < std::numeric_limits<T>::digits; bits *= 2)
        // If y is infinite or zero, y * reciprocal is NaN, and the reciprocal stays zero or infinite.
        reciprocal += reciprocal * one_for_nan(T(1) - y * reciprocal);
    return x * reciprocal;
}
#endif

#else  // a plain array, which other compilers may vectorize

template <class T>
struct Vector {
    T lane[width<T>];
    Vector& operator+=(const Vector& other) {
        for (Index i = 0; i < width<T>; ++i) lane[i] += other.lane[i];
        return *this;
    }
};

template <class T>
inline Vector<T> operator-(Vector<T> x, const Vector<T>& y) {
    for (Index i = 0; i < width<T>; ++i) x.lane[i] -= y.lane[i];
    return x;
}

template <class T>
inline Vector<T> operator*(Vector<T> x, const Vector<T>& y) {
    for (Index i = 0; i < width<T>; ++i) x.lane[i] *= y.lane[i];
    return x;
}

template <class T>
inline Vector<T> larger(Vector<T> x, const Vector<T>& y) {
    for (Index i = 0; i < width<T>; ++i) x.lane[i] = x.lane[i] > y.lane[i] ? x.lane[i] : y.lane[i];
    return x;
}

template <class T, class P>
inline void keep_larger(const Vector<T>& x, P place, Vector<T>& best, Vector<P>& where) {
    for (Index i = 0; i < width<T>; ++i) {
        bool larger = x.lane[i] > best.lane[i] || x.lane[i] != x.lane[i];
        best.lane[i] = larger ? x.lane[i] : best.lane[i];
        where.lane[i] = larger ? place : where.lane[i];
    }
}

#define SKNEURAL_INLINE inline
#define SKNEURAL_UNROLL
#define SKNEURAL_PREFETCH(address) ((void)(address))

template <class T>
inline Vector<T> broadcast(T value) {
    Vector<T> x;
    for (Index i = 0; i < width<T>; ++i) x.lane[i] = value;
    return x;
}

#endif

// In C++ an unaligned load or store is written with memcpy.
template <class T>
SKNEURAL_INLINE Vector<T> load(const T* from) {
    Vector<T> x;
    std::memcpy(&x, from, sizeof x);
    return x;
}

template <class T>
SKNEURAL_INLINE void store(T* to, const Vector<T>& x) {
    std::memcpy(to, &x, sizeof x);
}

// Copy or add a few values, such as a row of an embedding table. A call of memcpy would take longer.
template <class T>
SKNEURAL_INLINE void copy_few(const T* from, Index n, T* to) {
    Index i = 0;
    for (; i + width<T> <= n; i += width<T>) store<T>(to + i, load(from + i));
#if defined(SKNEURAL_HAS_QUOTIENTS)
    store_first(to + i, load_first(from + i, n - i), n - i);
#else
    for (; i < n; ++i) to[i] = from[i];
#endif
}

template <class T>
SKNEURAL_INLINE void add_few(const T* from, Index n, T* to) {
    Index i = 0;
    for (; i + width<T> <= n; i += width<T>) {
        Vector<T> sum = load(to + i);
        sum += load(from + i);
        store<T>(to + i, sum);
    }
#if defined(SKNEURAL_HAS_QUOTIENTS)
    store_first(to + i, load_first(to + i, n - i) + load_first(from + i, n - i), n - i);
#else
    for (; i < n; ++i) to[i] += from[i];
#endif
}

// y = start + the sum of some rows, for N vectors
template <class T, int N>
SKNEURAL_INLINE void add_picked_vectors(const T* start, const T* const* from, const T* const* end, Index j,
                                        T* y) {
    Vector<T> sum[N];
    SKNEURAL_UNROLL
    for (int n = 0; n < N; ++n) sum[n] = load(start + j + n * width<T>);
    for (const T* const* row = from; row != end; ++row) {
        SKNEURAL_UNROLL
        for (int n = 0; n < N; ++n) sum[n] += load(*row + j + n * width<T>);
    }
    SKNEURAL_UNROLL
    for (int n = 0; n < N; ++n) store<T>(y + j + n * width<T>, sum[n]);
}

// y = start + the sum of some rows of n values. Many values are added at once, because the number of rows
// varies, and the CPU cannot foresee the end of the loop over them.
template <class T>
inline void add_picked(const T* start, const T* const* from, const T* const* end, Index n, T* y) {
    constexpr int many = 8, few = 2;
    Index j = 0;
    for (; j + many * width<T> <= n; j += many * width<T>) add_picked_vectors<T, many>(start, from, end, j, y);
    for (; j + few * width<T> <= n; j += few * width<T>) add_picked_vectors<T, few>(start, from, end, j, y);
    if (j + width<T> <= n) {
        add_picked_vectors<T, 1>(start, from, end, j, y);
        j += width<T>;
    }
#if defined(SKNEURAL_HAS_QUOTIENTS)
    if (j == n) return;
    Vector<T> sum = load_first(start + j, n - j);
    for (const T* const* row = from; row != end; ++row) sum += load_first(*row + j, n - j);
    store_first(y + j, sum, n - j);
#else
    for (; j < n; ++j) {
        T sum = start[j];
        for (const T* const* row = from; row != end; ++row) sum += (*row)[j];
        y[j] = sum;
    }
#endif
}

}  // namespace skneural
