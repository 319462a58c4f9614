// Forward and backward passes of the activations, computed in place, as in layers/activations.py.
#pragma once

#include "elementary.h"

namespace skneural {

enum Activation : Index { LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SOFTPLUS, SILU, GELU, N_ACTIVATIONS };

constexpr double leak = 0.01;

// Whether the forward pass has to store the slope for the backward pass. The slope of the other
// activations can be computed from their output.
inline bool keeps_slope(Index kind) { return kind == SILU || kind == GELU; }

template <class T, class F>
SKNEURAL_INLINE void each(T* z, Index n, F function) {
    for (Index i = 0; i < n; ++i) z[i] = function(z[i]);
}

// z = f(z). If `keeps_slope(kind)`, also slope = f'(z), unless `slope` is null as in predictions.
template <class T>
void activate(Index kind, T* z, T* slope, Index n) {
    switch (kind) {
        case LOGISTIC: return each(z, n, [](T x) { return logistic(x); });
        case TANH: return each(z, n, [](T x) { return hyperbolic_tangent(x); });
        case RELU: return each(z, n, [](T x) { return x < 0 ? T(0) : x; });
        case LEAKY_RELU: return each(z, n, [](T x) { return x < 0 ? T(leak) * x : x; });
        case ELU:
            return each(z, n, [](T x) {
                T below = exponential_minus_1(x);
                return x > 0 ? x : below;
            });
        case SOFTPLUS: return each(z, n, [](T x) { return softplus(x); });
        case SILU:
            for (Index i = 0; i < n; ++i) {
                T s = logistic(z[i]), y = z[i] * s;
                if (slope) slope[i] = s + y * (1 - s);
                z[i] = y;
            }
            return;
        case GELU:
            for (Index i = 0; i < n; ++i) {
                T x = z[i], p = T(0.5) * std::erfc(-x * T(0.7071067811865476));
                if (slope) slope[i] = p + x * T(0.3989422804014327) * std::exp(-x * x / 2);
                z[i] = x * p;
            }
            return;
    }
}

// dy *= f'(z), computed from the output y or from the slope that the forward pass has stored
template <class T>
void activate_backward(Index kind, T* dy, const T* y, const T* slope, Index n) {
    switch (kind) {
        case LOGISTIC:
            for (Index i = 0; i < n; ++i) dy[i] *= y[i] * (1 - y[i]);
            return;
        case TANH:
            for (Index i = 0; i < n; ++i) dy[i] *= 1 - y[i] * y[i];
            return;
        case RELU:
            for (Index i = 0; i < n; ++i) dy[i] *= y[i] > 0 ? T(1) : T(0);
            return;
        case LEAKY_RELU:
            for (Index i = 0; i < n; ++i) dy[i] *= y[i] > 0 ? T(1) : T(leak);
            return;
        case ELU:
            for (Index i = 0; i < n; ++i) dy[i] *= y[i] > 0 ? T(1) : y[i] + 1;
            return;
        case SOFTPLUS:  // logistic(z) = 1 - exp(-softplus(z))
            for (Index i = 0; i < n; ++i) dy[i] *= -exponential_minus_1(-y[i]);
            return;
        case SILU:
        case GELU:
            for (Index i = 0; i < n; ++i) dy[i] *= slope[i];
            return;
    }
}

}  // namespace skneural
