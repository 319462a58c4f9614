// Whether all numbers of an array are finite.
#pragma once

#include "vectors.h"

namespace skneural {

// Multiplying a value that is not finite by zero gives NaN, and then the sum is NaN, too.
template <class T>
bool all_finite(const T* x, Index n) {
    constexpr int at_once = 4;  // independent sums, so that an addition need not wait for the last one
    Vector<T> sums[at_once] = {}, zero = broadcast(T(0));
    T numbers[width<T>], sum = 0;
    Index i = 0;
    for (; i + at_once * width<T> <= n; i += at_once * width<T>)
        SKNEURAL_UNROLL
        for (int j = 0; j < at_once; ++j) sums[j] += load(x + i + j * width<T>) * zero;
    for (; i < n; ++i) sum += x[i] * T(0);
    for (const Vector<T>& lanes : sums) {
        store<T>(numbers, lanes);
        for (T number : numbers) sum += number;
    }
    return sum == 0;
}

}  // namespace skneural
