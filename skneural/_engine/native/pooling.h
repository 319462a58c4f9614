// Pools: one value for every window, channel by channel, as in layers/_pooling.py.
#pragma once

#include <algorithm>

#include "elementary.h"
#include "program.h"

namespace skneural {

// Where a maximum was found: as wide as T, so that both go through the same vectors.
template <class T>
using Place = typename Float<T>::Bits;

// Call f(window, place, pixel) for each place of each window that lies on the image.
template <class F>
SKNEURAL_INLINE void for_each_tap(const Step& s, F f) {
    for (Index i = 0; i < s.out.h; ++i)
        for (Index j = 0; j < s.out.w; ++j)
            for (Index u = 0; u < s.kh; ++u) {
                Index y = i * s.sh - s.top + u;
                if (y < 0 || y >= s.in.h) continue;
                for (Index v = 0; v < s.kw; ++v) {
                    Index x = j * s.sw - s.left + v;
                    if (x >= 0 && x < s.in.w) f(i * s.out.w + j, u * s.kw + v, y * s.in.w + x);
                }
            }
}

// places is null in predictions
template <class T>
void max_pool_forward(const Step& s, const T* x, Index n_images, T* y, Place<T>* places) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, x += s.in.size(), y += s.out.size()) {
        std::fill_n(y, s.out.size(), -std::numeric_limits<T>::infinity());
        if (places) std::fill_n(places, s.out.size(), Place<T>(0));
        for_each_tap(s, [&](Index window, Index place, Index pixel) {
            const T* from = x + pixel * c;
            T* best = y + window * c;
            if (!places) {
                for (Index k = 0; k < c; ++k) best[k] = from[k] > best[k] || from[k] != from[k] ? from[k] : best[k];
                return;
            }
            Place<T>* found = places + window * c;
            for (Index k = 0; k < c; ++k) {
                bool better = (from[k] > best[k]) | (from[k] != from[k]);
                best[k] = better ? from[k] : best[k];
                found[k] = better ? Place<T>(place) : found[k];
            }
        });
        if (places) places += s.out.size();
    }
}

template <class T>
void max_pool_backward(const Step& s, const T* dy, Index n_images, const Place<T>* places, T* dx) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, dx += s.in.size(), dy += s.out.size(), places += s.out.size()) {
        std::fill_n(dx, s.in.size(), T(0));
        for_each_tap(s, [&](Index window, Index place, Index pixel) {
            T* to = dx + pixel * c;
            const T* slope = dy + window * c;
            const Place<T>* found = places + window * c;
            for (Index k = 0; k < c; ++k) to[k] += found[k] == Place<T>(place) ? slope[k] : T(0);
        });
    }
}

// How many pixels of a window count along one axis.
inline Index counted(Index i, Index stride, Index before, Index size, Index length) {
    Index first = i * stride - before;
    return std::min(first + size, length) - std::max(first, Index(0));
}

template <class T>
T share_of_pixel(const Step& s, Index window) {
    if (s.option) return T(1) / T(s.kh * s.kw);
    Index i = window / s.out.w, j = window % s.out.w;
    return T(1) / T(counted(i, s.sh, s.top, s.kh, s.in.h) * counted(j, s.sw, s.left, s.kw, s.in.w));
}

template <class T>
void average_pool_forward(const Step& s, const T* x, Index n_images, T* y) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, x += s.in.size(), y += s.out.size()) {
        std::fill_n(y, s.out.size(), T(0));
        for_each_tap(s, [&](Index window, Index, Index pixel) {
            for (Index k = 0; k < c; ++k) y[window * c + k] += x[pixel * c + k];
        });
        for (Index window = 0; window < s.out.pixels(); ++window) {
            T share = share_of_pixel<T>(s, window);
            for (Index k = 0; k < c; ++k) y[window * c + k] *= share;
        }
    }
}

template <class T>
void average_pool_backward(const Step& s, const T* dy, Index n_images, T* dx) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, dx += s.in.size(), dy += s.out.size()) {
        std::fill_n(dx, s.in.size(), T(0));
        for_each_tap(s, [&](Index window, Index, Index pixel) {
            T share = share_of_pixel<T>(s, window);
            for (Index k = 0; k < c; ++k) dx[pixel * c + k] += share * dy[window * c + k];
        });
    }
}

template <class T>
void global_average_forward(const Step& s, const T* x, Index n_images, T* y) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, y += c) {
        std::fill_n(y, c, T(0));
        for (Index p = 0; p < s.in.pixels(); ++p, x += c)
            for (Index k = 0; k < c; ++k) y[k] += x[k];
        for (Index k = 0; k < c; ++k) y[k] *= T(1) / T(s.in.pixels());
    }
}

template <class T>
void global_average_backward(const Step& s, const T* dy, Index n_images, T* dx) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, dy += c)
        for (Index p = 0; p < s.in.pixels(); ++p, dx += c)
            for (Index k = 0; k < c; ++k) dx[k] = dy[k] * (T(1) / T(s.in.pixels()));
}

}  // namespace skneural
