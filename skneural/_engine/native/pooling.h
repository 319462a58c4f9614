// Pooling layers, which return one value per window and channel, as in layers/pooling.py.
#pragma once

#include <algorithm>
#include <vector>

#include "elementary.h"
#include "program.h"

namespace skneural {

// Integer type for the position of a maximum. It has the same size as T, so that vectors of both
// have equally many lanes.
template <class T>
using Place = typename Float<T>::Bits;

// The pixels of a window that lie inside the image, and their positions in the window.
struct Taps {
    std::vector<Index> pixels, places;

    void find(const Step& s, Index i, Index j) {
        pixels.clear();
        places.clear();
        for (Index u = 0; u < s.kh; ++u) {
            Index y = i * s.sh - s.top + u;
            if (y < 0 || y >= s.in.h) continue;
            for (Index v = 0; v < s.kw; ++v) {
                Index x = j * s.sw - s.left + v;
                if (x < 0 || x >= s.in.w) continue;
                pixels.push_back(y * s.in.w + x);
                places.push_back(u * s.kw + v);
            }
        }
    }
};

// Call f(window, taps) for each window of a pooling layer.
template <class F>
inline void each_window(const Step& s, F f) {
    Taps taps;
    for (Index i = 0; i < s.out.h; ++i)
        for (Index j = 0; j < s.out.w; ++j) {
            taps.find(s, i, j);
            f(i * s.out.w + j, taps);
        }
}

// Find the largest values of one window, and their positions, for a vector of channels. NaN counts
// as largest.
template <class T>
SKNEURAL_INLINE void max_of_window(const Taps& taps, const T* x, Index c, T* y, Place<T>* found) {
    Vector<T> best = broadcast(-std::numeric_limits<T>::infinity());
    Vector<Place<T>> where = broadcast(Place<T>(0));
    for (std::size_t t = 0; t < taps.pixels.size(); ++t)
        keep_larger<T, Place<T>>(load(x + taps.pixels[t] * c), Place<T>(taps.places[t]), best, where);
    store(y, best);
    if (found) store(found, where);
}

template <class T>
SKNEURAL_INLINE void max_of_channel(const Taps& taps, const T* x, Index c, T* y, Place<T>* found) {
    T best = -std::numeric_limits<T>::infinity();
    Place<T> where = 0;
    for (std::size_t t = 0; t < taps.pixels.size(); ++t) {
        T value = x[taps.pixels[t] * c];
        if (!(value > best) && value == value) continue;
        best = value;
        where = Place<T>(taps.places[t]);
    }
    *y = best;
    if (found) *found = where;
}

// `places` is null in predictions.
template <class T>
void max_pool_forward(const Step& s, const T* x, Index n_images, T* y, Place<T>* places) {
    Index c = s.in.c;
    each_window(s, [&](Index window, const Taps& taps) {
        for (Index i = 0; i < n_images; ++i) {
            const T* from = x + i * s.in.size();
            T* to = y + i * s.out.size() + window * c;
            Place<T>* found = places ? places + i * s.out.size() + window * c : nullptr;
            Index k = 0;
            for (; k + width<T> <= c; k += width<T>)
                max_of_window(taps, from + k, c, to + k, found ? found + k : nullptr);
            for (; k < c; ++k) max_of_channel(taps, from + k, c, to + k, found ? found + k : nullptr);
        }
    });
}

template <class T>
void max_pool_backward(const Step& s, const T* dy, Index n_images, const Place<T>* places, T* dx) {
    Index c = s.in.c;
    std::fill_n(dx, n_images * s.in.size(), T(0));
    each_window(s, [&](Index window, const Taps& taps) {
        for (Index i = 0; i < n_images; ++i) {
            Index at = i * s.out.size() + window * c;
            for (std::size_t t = 0; t < taps.pixels.size(); ++t) {
                T* to = dx + i * s.in.size() + taps.pixels[t] * c;
                Place<T> place = Place<T>(taps.places[t]);
                for (Index k = 0; k < c; ++k) to[k] += places[at + k] == place ? dy[at + k] : T(0);
            }
        }
    });
}

// Number of pixels of a window along one axis that are counted in the average.
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
        each_window(s, [&](Index window, const Taps& taps) {
            T share = share_of_pixel<T>(s, window);
            for (Index pixel : taps.pixels)
                for (Index k = 0; k < c; ++k) y[window * c + k] += x[pixel * c + k];
            for (Index k = 0; k < c; ++k) y[window * c + k] *= share;
        });
    }
}

template <class T>
void average_pool_backward(const Step& s, const T* dy, Index n_images, T* dx) {
    Index c = s.in.c;
    for (Index i = 0; i < n_images; ++i, dx += s.in.size(), dy += s.out.size()) {
        std::fill_n(dx, s.in.size(), T(0));
        each_window(s, [&](Index window, const Taps& taps) {
            T share = share_of_pixel<T>(s, window);
            for (Index pixel : taps.pixels)
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
