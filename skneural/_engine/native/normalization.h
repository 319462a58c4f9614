// Batch normalization over channels, as in layers/batch_norm.py.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

namespace skneural {

// The next three functions compute for every channel j the sum of x[:, j], of
// (x[:, j] - mean[j]) ** 2, and of (x[:, j] - mean[j]) * dy[:, j].
template <class T>
void sum_channels(const T* x, Index n_rows, Index c, double* sums) {
    std::fill_n(sums, c, 0.0);
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < c; ++j) sums[j] += x[i * c + j];
}

template <class T>
void sum_squares(const T* x, const T* mean, Index n_rows, Index c, double* sums) {
    std::fill_n(sums, c, 0.0);
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < c; ++j) {
            T centered = x[i * c + j] - mean[j];
            sums[j] += double(centered) * centered;
        }
}

template <class T>
void sum_products(const T* x, const T* mean, const T* dy, Index n_rows, Index c, double* sums) {
    std::fill_n(sums, c, 0.0);
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < c; ++j) sums[j] += double(x[i * c + j] - mean[j]) * dy[i * c + j];
}

// y = (x - mean) * factor + shift
template <class T>
void normalize(const T* x, const T* mean, const T* factor, const T* shift, Index n_rows, Index c,
               T* y) {
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < c; ++j)
            y[i * c + j] = (x[i * c + j] - mean[j]) * factor[j] + shift[j];
}

// dy = factor * (dy - mean_dy - (x - mean) * projection)
template <class T>
void normalize_backward(T* dy, const T* x, const T* mean, const T* factor, const T* mean_dy,
                        const T* projection, Index n_rows, Index c) {
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < c; ++j) {
            T& d = dy[i * c + j];
            d = factor[j] * (d - mean_dy[j] - (x[i * c + j] - mean[j]) * projection[j]);
        }
}

}  // namespace skneural
