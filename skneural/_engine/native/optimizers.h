// Updates of some of the parameters, as in _optimizers.py.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

namespace skneural {

enum OptimizerKind : Index { SGD, ADAM, ADAGRAD, RMSPROP, N_OPTIMIZERS };

// The parameters of one step. `first`, `second` and `epsilon` are, for SGD: the momentum; for Adam:
// beta_1, beta_2 and epsilon; for AdaGrad: epsilon; for RMSProp: rho and epsilon. `nesterov` is for
// SGD. AdamW subtracts `shrink` times the weight from each weight.
struct Optimizer {
    Index kind;
    double rate, first, second, epsilon, shrink;
    bool nesterov;
};

// The gradient of the penalty: l2 * weight + l1 * sign(weight).
struct Penalty {
    double l2, l1;
};

// Sums that are computed during a step.
struct Sums {
    double squares = 0;   // sum of squares of the gradient, including the penalty
    double weights_2 = 0; // sum of squares of the weights
    double weights_1 = 0; // sum of the absolute values of the weights
};

// Return the sum of all values of some vectors.
template <class T, int N>
inline double sum_of(const Vector<T> (&vectors)[N]) {
    T numbers[N * width<T>];
    double sum = 0;
    for (int i = 0; i < N; ++i) store<T>(numbers + i * width<T>, vectors[i]);
    for (T number : numbers) sum += number;
    return sum;
}

// Add the gradient of the penalty to the gradient of some weights, and compute the sums of these
// weights for the penalty.
template <class T>
void add_penalty(const Penalty& penalty, const T* theta, T* gradient, Index n, Sums& sums) {
    constexpr int at_once = 4;  // independent sums, so that an addition need not wait for the last one
    T l2 = T(penalty.l2), l1 = T(penalty.l1);
    if (l2 != 0) {
        Vector<T> squares[at_once] = {}, factor = broadcast(l2);
        Index i = 0;
        for (; i + at_once * width<T> <= n; i += at_once * width<T>)
            SKNEURAL_UNROLL
            for (int j = 0; j < at_once; ++j) {
                Vector<T> weight = load(theta + i + j * width<T>), g = load(gradient + i + j * width<T>);
                squares[j] += weight * weight;
                g += factor * weight;
                store<T>(gradient + i + j * width<T>, g);
            }
        for (; i < n; ++i) {
            sums.weights_2 += double(theta[i]) * theta[i];
            gradient[i] += l2 * theta[i];
        }
        sums.weights_2 += sum_of<T>(squares);
    }
    if (l1 != 0)
        for (Index i = 0; i < n; ++i) {
            sums.weights_1 += std::abs(theta[i]);
            gradient[i] += theta[i] > 0 ? l1 : theta[i] < 0 ? -l1 : theta[i];
        }
}

template <class T>
double sum_of_squares(const T* x, Index n) {
    constexpr int at_once = 4;
    Vector<T> squares[at_once] = {};
    double sum = 0;
    Index i = 0;
    for (; i + at_once * width<T> <= n; i += at_once * width<T>)
        SKNEURAL_UNROLL
        for (int j = 0; j < at_once; ++j) {
            Vector<T> value = load(x + i + j * width<T>);
            squares[j] += value * value;
        }
    for (; i < n; ++i) sum += double(x[i]) * x[i];
    return sum + sum_of<T>(squares);
}

// All values are read before any is written. The arrays often begin at the same offset within a
// page, and then a read that follows a write to the same offset has to wait for it.

// The constants of a step of Adam. AdamW multiplies each weight by `kept`. The gradient of a penalty is
// `l2` times the weight.
template <class T>
struct Adam {
    T rate, first, second, epsilon, kept, l2;
};

#if defined(SKNEURAL_HAS_QUOTIENTS)
// Whether `update` adds the gradient of the penalty, which saves a pass over the parameters.
inline bool adds_penalty(const Optimizer& o, const Penalty& penalty) {
    return o.kind == ADAM && penalty.l1 == 0;
}

template <class T>
SKNEURAL_INLINE void adam_vector(const Adam<T>& a, Vector<T>& theta, Vector<T> g, Vector<T>& m,
                                 Vector<T>& v) {
    g += a.l2 * theta;
    m = a.first * m + g;
    v = a.second * v + g * g;
    theta = a.kept * theta - quotient<T>(a.rate * m, root(v) + a.epsilon);
}

// The last values are processed as a vector, too, so that the bits of the result do not depend on
// where a part begins. Returns the sum of the squares of theta before the step, if there is a penalty.
template <class T>
double adam_step(const Adam<T>& a, T* theta, const T* gradient, T* m, T* v, Index n) {
    Index i = 0, rest = n % width<T>;
    Vector<T> squares[1] = {};
    for (; i + width<T> <= n; i += width<T>) {
        Vector<T> moved = load(theta + i), mean = load(m + i), square = load(v + i);
        squares[0] += moved * moved;
        adam_vector<T>(a, moved, load(gradient + i), mean, square);
        store<T>(m + i, mean);
        store<T>(v + i, square);
        store<T>(theta + i, moved);
    }
    if (rest) {
        Vector<T> moved = load_first(theta + i, rest), mean = load_first(m + i, rest);
        Vector<T> square = load_first(v + i, rest);
        squares[0] += moved * moved;
        adam_vector<T>(a, moved, load_first(gradient + i, rest), mean, square);
        store_first(theta + i, moved, rest);
        store_first(m + i, mean, rest);
        store_first(v + i, square, rest);
    }
    return a.l2 == 0 ? 0 : sum_of<T>(squares);
}
#else
inline bool adds_penalty(const Optimizer&, const Penalty&) { return false; }

template <class T>
double adam_step(const Adam<T>& a, T* theta, const T* gradient, T* m, T* v, Index n) {
    for (Index i = 0; i < n; ++i) {
        T mean = a.first * m[i] + gradient[i];
        T square = a.second * v[i] + gradient[i] * gradient[i];
        T moved = a.kept * theta[i] - a.rate * mean / (std::sqrt(square) + a.epsilon);
        m[i] = mean;
        v[i] = square;
        theta[i] = moved;
    }
    return 0;
}
#endif

// Update some parameters. `m` and `v` are the state of the optimizer for these parameters. `l2` is not 0
// only if `adds_penalty`; then the sum of the squares of the parameters before the step is returned.
template <class T>
double update(const Optimizer& o, T* theta, const T* gradient, T* m, T* v, Index n, bool weights,
              double l2 = 0) {
    T rate = T(o.rate), first = T(o.first), second = T(o.second), epsilon = T(o.epsilon);
    switch (o.kind) {
        case SGD:
            if (!m) {
                for (Index i = 0; i < n; ++i) theta[i] -= rate * gradient[i];
            } else {
                T of_gradient = o.nesterov ? rate : T(0), of_velocity = o.nesterov ? rate * first : rate;
                for (Index i = 0; i < n; ++i) {
                    T velocity = first * m[i] + gradient[i];
                    T moved = theta[i] - (of_gradient * gradient[i] + of_velocity * velocity);
                    m[i] = velocity;
                    theta[i] = moved;
                }
            }
            return 0;
        case ADAM: {
            Adam<T> adam{rate, first, second, epsilon, weights ? T(1 - o.shrink) : T(1), T(l2)};
            return adam_step(adam, theta, gradient, m, v, n);
        }
        case ADAGRAD:
            for (Index i = 0; i < n; ++i) {
                m[i] += gradient[i] * gradient[i];
                theta[i] -= rate * gradient[i] / (std::sqrt(m[i]) + epsilon);
            }
            return 0;
        case RMSPROP:
            for (Index i = 0; i < n; ++i) {
                m[i] = first * m[i] + gradient[i] * gradient[i];
                theta[i] -= rate * gradient[i] / (std::sqrt(m[i]) + epsilon);
            }
    }
    return 0;
}

}  // namespace skneural
