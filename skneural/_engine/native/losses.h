// Losses. One call computes the loss of every row and its gradient, as in
// skneural/_network/losses/. z is the raw prediction, y the target.
#pragma once

#include <algorithm>

#include "elementary.h"

namespace skneural {

enum LossKind : Index {
    SQUARED, ABSOLUTE, HUBER, PINBALL, POISSON, GAMMA,
    SOFTMAX_LOG, LOGISTIC_LOG, SOFTMAX_SQUARED, LOGISTIC_SQUARED, HINGE, MULTICLASS_HINGE,
    N_LOSSES
};

// The link between raw predictions and predictions, unless it belongs to the loss. LOG_LINK means
// exp(z), and LOGIT_LINK means low + width * logistic(z).
enum LinkKind : Index { IDENTITY_LINK, LOG_LINK, LOGIT_LINK, N_LINKS };

// A head of the network: the loss of some of its output columns. Each of the two tables that Python
// passes, of integers and of reals, has one row per head.
struct Head {
    Index kind, first, n_columns, link;
    double parameter;  // delta (Huber loss), quantile (pinball loss), or margin (hinge losses)
    double low, width;  // range of the logit link
};

constexpr Index n_head_integers = 4, n_head_reals = 3;

inline Head read_head(const Index* i, const double* r) {
    return {i[0], i[1], i[2], i[3], r[0], r[1], r[2]};
}

inline bool takes_links(Index kind) { return kind == SQUARED || kind == ABSOLUTE || kind == HUBER; }

template <class T>
SKNEURAL_INLINE T sign(T x) {
    return T((x > 0) - (x < 0));
}

// Return the sum of the losses of independent columns. f(z, y, gradient) returns the loss of one
// column.
template <class T, class F>
SKNEURAL_INLINE T add_columns(const T* z, const T* y, T* gradient, Index n, F f) {
    T loss = 0;
    for (Index k = 0; k < n; ++k) loss += f(z[k], y[k], gradient[k]);
    return loss;
}

// The same with the link of a head: f takes predictions instead of raw predictions, and its gradient
// is multiplied by the slope of the link.
template <class T, class F>
SKNEURAL_INLINE T add_linked_columns(const Head& head, const T* z, const T* y, T* gradient, Index n, F f) {
    T low = T(head.low), width = T(head.width);
    switch (head.link) {
        case LOG_LINK:
            return add_columns(z, y, gradient, n, [f](T z, T y, T& g) {
                T prediction = exponential(z), loss = f(prediction, y, g);
                g *= prediction;
                return loss;
            });
        case LOGIT_LINK:
            return add_columns(z, y, gradient, n, [f, low, width](T z, T y, T& g) {
                T p = logistic(z), loss = f(low + width * p, y, g);
                g *= width * p * (1 - p);
                return loss;
            });
        default: return add_columns(z, y, gradient, n, f);
    }
}

// gradient = softmax(z); returns log(sum(exp(z - highest)))
template <class T>
inline T softmax(const T* z, T* gradient, Index n, T& highest) {
    T total = 0;
    highest = z[0];
    for (Index k = 1; k < n; ++k) highest = z[k] > highest ? z[k] : highest;
    for (Index k = 0; k < n; ++k) gradient[k] = exponential(z[k] - highest);
    for (Index k = 0; k < n; ++k) total += gradient[k];
    T factor = 1 / total;
    for (Index k = 0; k < n; ++k) gradient[k] *= factor;
    return std::log(total);
}

// Return the highest class other than the class of the row, the first one in case of ties, or -1 if
// there is no other class.
template <class T>
inline Index highest_rival(const T* z, const T* y, Index n) {
    Index rival = -1;
    for (Index k = 0; k < n; ++k)
        if (!(y[k] > 0) && (rival < 0 || z[k] > z[rival] || z[k] != z[k])) rival = k;
    return rival;
}

template <class T>
SKNEURAL_INLINE T logistic_log_loss(T z, T y, T& gradient) {
    gradient = logistic(z) - y;
    return softplus(z) - y * z;
}

template <class T>
T loss_of_row(const Head& head, const T* z, const T* y, T* gradient) {
    Index n = head.n_columns;
    T parameter = T(head.parameter);
    switch (head.kind) {
        case SQUARED:
            return add_linked_columns(head, z, y, gradient, n, [](T z, T y, T& g) {
                g = z - y;
                return g * g / 2;
            });
        case ABSOLUTE:
            return add_linked_columns(head, z, y, gradient, n, [](T z, T y, T& g) {
                g = z == z ? sign(z - y) : z;
                return std::abs(z - y);
            });
        case HUBER:
            return add_linked_columns(head, z, y, gradient, n, [parameter](T z, T y, T& g) {
                T r = z - y, beyond = std::abs(r) - parameter;
                g = r > parameter ? parameter : r < -parameter ? -parameter : r;
                return g * g / 2 + (beyond > 0 ? parameter * beyond : T(0));
            });
        case PINBALL:
            return add_columns(z, y, gradient, n, [parameter](T z, T y, T& g) {
                T r = z - y;
                g = r == r ? sign(r) / 2 + (T(0.5) - parameter) : r;
                return r < 0 ? -parameter * r : (1 - parameter) * r;
            });
        case POISSON:
            return add_columns(z, y, gradient, n, [](T z, T y, T& g) {
                T e = exponential(z);
                g = e - y;
                return e - y * z;
            });
        case GAMMA:
            return add_columns(z, y, gradient, n, [](T z, T y, T& g) {
                T ratio = y * exponential(-z);
                g = 1 - ratio;
                return z + ratio;
            });
        case SOFTMAX_LOG: {
            T highest, of_label = 0, log_total = softmax(z, gradient, n, highest);
            for (Index k = 0; k < n; ++k) of_label += y[k] * (z[k] - highest);
            for (Index k = 0; k < n; ++k) gradient[k] -= y[k];
            return log_total - of_label;
        }
        case LOGISTIC_LOG: return add_columns(z, y, gradient, n, logistic_log_loss<T>);
        case SOFTMAX_SQUARED: {
            T highest, loss = 0, mean = 0;
            softmax(z, gradient, n, highest);
            for (Index k = 0; k < n; ++k) {
                T error = gradient[k] - y[k];
                loss += error * error / 2;
                mean += error * gradient[k];
            }
            for (Index k = 0; k < n; ++k) gradient[k] *= gradient[k] - y[k] - mean;
            return loss;
        }
        case LOGISTIC_SQUARED:
            return add_columns(z, y, gradient, n, [](T z, T y, T& g) {
                T p = logistic(z), error = p - y;
                g = error * p * (1 - p);
                return error * error / 2;
            });
        case HINGE:
            return add_columns(z, y, gradient, n, [parameter](T z, T y, T& g) {
                T minus_s = 1 - 2 * y, loss = minus_s * z + parameter;
                g = loss >= 0 ? minus_s : loss == loss ? T(0) : loss;
                return loss < 0 ? T(0) : loss;
            });
        default: {  // MULTICLASS_HINGE
            Index rival = highest_rival(z, y, n);
            T of_label = 0;
            for (Index k = 0; k < n; ++k) of_label += y[k] * z[k];  // NaN if z is infinite, as in NumPy
            T loss = rival < 0 ? -std::numeric_limits<T>::infinity() : z[rival] - of_label + parameter;
            bool active = loss >= 0;
            for (Index k = 0; k < n; ++k) gradient[k] = active ? T(k == rival) - y[k] : T(0);
            return loss < 0 ? T(0) : loss;
        }
    }
}

constexpr Index most_classes_at_once = 64;

// Log-loss of one-hot targets for several rows at a time, as many as a vector has lanes. A single
// row often has too few exponentials to fill a vector. `target` returns the targets of a row.
template <class T, class Y>
void softmax_log_losses(const Head& head, const T* z, T* gradient, Index n_rows, Index stride, Y target,
                        double* losses) {
    constexpr Index w = width<T>;
    Index n = head.n_columns;
    T columns[most_classes_at_once * w], totals[w];
    for (Index i = 0; i < n_rows; i += w) {
        Index m = std::min(w, n_rows - i);
        for (Index r = 0; r < w; ++r) {  // at the end the last row may be repeated
            const T* row = z + std::min(i + r, n_rows - 1) * stride;
            for (Index k = 0; k < n; ++k) columns[k * w + r] = row[k];
        }
        Vector<T> highest = load(columns);
        for (Index k = 1; k < n; ++k) highest = larger<T>(load(columns + k * w), highest);
        for (Index k = 0; k < n; ++k) store<T>(columns + k * w, load(columns + k * w) - highest);
        for (Index r = 0; r < m; ++r) {
            const T* y = target(i + r);
            T of_label = 0;
            for (Index k = 0; k < n; ++k) of_label += y[k] * columns[k * w + r];
            losses[i + r] -= of_label;
        }
        for (Index k = 0; k < n * w; ++k) columns[k] = exponential(columns[k]);
        Vector<T> total = load(columns);
        for (Index k = 1; k < n; ++k) total += load(columns + k * w);
        store<T>(totals, total);
        for (Index r = 0; r < m; ++r) {
            const T* y = target(i + r);
            T *g = gradient + (i + r) * stride, factor = 1 / totals[r];
            for (Index k = 0; k < n; ++k) g[k] = columns[k * w + r] * factor - y[k];
            losses[i + r] += std::log(totals[r]);
        }
    }
}

// Binary log-loss of a single output for several rows at a time, as many as a vector has lanes.
template <class T, class Y>
void binary_log_losses(const T* z, T* gradient, Index n_rows, Index stride, Y target, double* losses) {
    constexpr Index w = width<T>;
    T raw[w], labels[w], slopes[w], values[w];
    for (Index i = 0; i < n_rows; i += w) {
        Index m = std::min(w, n_rows - i);
        for (Index r = 0; r < w; ++r) {  // at the end the last row may be repeated
            Index row = std::min(i + r, n_rows - 1);
            raw[r] = z[row * stride];
            labels[r] = *target(row);
        }
        for (Index r = 0; r < w; ++r) values[r] = logistic_log_loss(raw[r], labels[r], slopes[r]);
        for (Index r = 0; r < m; ++r) {
            gradient[(i + r) * stride] = slopes[r];
            losses[i + r] += values[r];
        }
    }
}

// Add the losses of a head to the losses of some rows, and write the gradients.
template <class T, class Y>
void add_losses(const Head& head, const T* z, T* gradient, Index n_rows, Index stride, Y target,
                double* losses) {
    z += head.first;
    gradient += head.first;
    auto of_head = [&](Index i) { return target(i) + head.first; };
    if (head.kind == SOFTMAX_LOG && head.n_columns <= most_classes_at_once)
        return softmax_log_losses(head, z, gradient, n_rows, stride, of_head, losses);
    if (head.kind == LOGISTIC_LOG && head.n_columns == 1)
        return binary_log_losses(z, gradient, n_rows, stride, of_head, losses);
    for (Index i = 0; i < n_rows; ++i)
        losses[i] += loss_of_row(head, z + i * stride, of_head(i), gradient + i * stride);
}

}  // namespace skneural
