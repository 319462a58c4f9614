// Convolutions that read images directly. The windows along a row of pixels are the left matrix of
// a product. They are read run by run, so the matrix of windows (im2col) is never formed.
#pragma once

#include "program.h"
#include "product.h"

namespace skneural {

// Geometry of a convolution, computed once.
struct Windows {
    // forward: offsets of the runs of a window in a padded image
    std::vector<Index> runs;
    Index run_length, n_values;  // number of values per run, and per window
    Index padded_h, padded_w;
    bool is_padded;
    // input gradient: the gradient of the output, spaced by the strides and padded, is correlated
    // with the filters rotated by 180 degrees
    std::vector<Index> turned_runs;
    Index turned_run_length, spread_h, spread_w, spread_top, spread_left;
    // weight gradient: the runs are the rows of the output
    std::vector<Index> output_runs;

    Windows() = default;  // for a step that is not a convolution
    explicit Windows(const Step& s) {
        padded_h = s.in.h + s.top + s.bottom;
        padded_w = s.in.w + s.left + s.right;
        is_padded = padded_h != s.in.h || padded_w != s.in.w;
        n_values = s.kh * s.kw * s.in.c;
        Index taps = s.dw == 1 ? 1 : s.kw;  // without dilation a row of a window is one run
        run_length = s.kw / taps * s.in.c;
        spread_top = (s.kh - 1) * s.dh;
        spread_left = (s.kw - 1) * s.dw;
        spread_h = padded_h + spread_top;
        spread_w = padded_w + spread_left;
        turned_run_length = s.kw / taps * s.out.c;
        for (Index u = 0; u < s.kh; ++u)
            for (Index v = 0; v < taps; ++v) {
                runs.push_back((u * s.dh * padded_w + v * s.dw) * s.in.c);
                turned_runs.push_back((u * s.dh * spread_w + v * s.dw) * s.out.c);
            }
        for (Index i = 0; i < s.out.h; ++i) output_runs.push_back(i * s.sh * padded_w * s.in.c);
    }

    Index padded_size(const Step& s) const { return is_padded ? padded_h * padded_w * s.in.c : 0; }
    Index spread_size(const Step& s) const { return spread_h * spread_w * s.out.c; }
};

// Copy an image into the middle of a padded one, whose margins are zero.
template <class T>
const T* pad(const Step& s, const Windows& windows, const T* x, T* padded) {
    if (!windows.is_padded) return x;
    Index row = s.in.w * s.in.c;
    for (Index i = 0; i < s.in.h; ++i)
        std::copy_n(x + i * row, row, padded + ((i + s.top) * windows.padded_w + s.left) * s.in.c);
    return padded;
}

// y = x * weight + bias for some images. `packed` contains the panels of the weights, `padded` has
// room for one padded image, and `long_bias` is the bias padded to whole vectors.
template <class T>
void convolution_forward(const Step& s, const Windows& windows, const T* x, Index n_images,
                         const T* packed, const T* long_bias, T* y, T* padded) {
    for (Index i = 0; i < n_images; ++i, x += s.in.size(), y += s.out.size()) {
        const T* image = pad(s, windows, x, padded);
        const T* panel = packed;
        for (Index f = 0; f < s.out.c; f += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, s.out.c - f);
            Index b_row = panel_width<T>(columns);
            for (Index row = 0; row < s.out.h; ++row) {
                Left<T> a{image + row * s.sh * windows.padded_w * s.in.c, s.sw * s.in.c, 1,
                          windows.runs.data(), Index(windows.runs.size()), windows.run_length};
                multiply_panel(s.out.w, columns, a, panel, b_row, long_bias + f, 0,
                               y + row * s.out.w * s.out.c + f, s.out.c);
            }
            panel += windows.n_values * b_row;
        }
    }
}

// Compute the gradient of the weights (n_values x filters) for some images. It overwrites
// `gradient` if `begins`, and is added to it otherwise. `packed` has room for the gradient of the
// output for one image in panels.
template <class T>
void convolution_weight_gradient(const Step& s, const Windows& windows, const T* x, const T* dy,
                                 Index n_images, bool begins, T* gradient, T* padded, T* packed) {
    const T zeros[tile_columns<T>] = {};
    Index n_pixels = s.out.pixels();
    for (Index i = 0; i < n_images; ++i, x += s.in.size(), dy += s.out.size()) {
        const T* image = pad(s, windows, x, padded);
        for (Index f = 0; f < s.out.c; f += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, s.out.c - f);
            const T* b = dy + f;
            Index b_row = s.out.c;
            if (columns % width<T>) {
                pack_panel(b, s.out.c, 1, n_pixels, columns, packed);
                b = packed;
                b_row = panel_width<T>(columns);
            }
            T* c = gradient + f;
            for (Index run : windows.runs) {
                Left<T> a{image + run, 1, s.sw * s.in.c, windows.output_runs.data(), s.out.h, s.out.w};
                bool anew = begins && i == 0;
                multiply_panel(windows.run_length, columns, a, b, b_row, anew ? zeros : c,
                               anew ? 0 : s.out.c, c, s.out.c);
                c += windows.run_length * s.out.c;
            }
        }
    }
}

// Pack the filters rotated by 180 degrees, with inputs and outputs exchanged.
template <class T>
void pack_turned(const Step& s, const T* weight, T* turned, T* packed) {
    T* to = turned;
    for (Index u = s.kh - 1; u >= 0; --u)
        for (Index v = s.kw - 1; v >= 0; --v) {
            const T* tap = weight + (u * s.kw + v) * s.in.c * s.out.c;
            for (Index f = 0; f < s.out.c; ++f)
                for (Index c = 0; c < s.in.c; ++c) *to++ = tap[c * s.out.c + f];
        }
    pack(turned, s.in.c, 1, s.kh * s.kw * s.out.c, s.in.c, packed);
}

// Compute dx for some images. `spread` has room for the spaced gradient of the output for one image;
// it must be zero everywhere else.
template <class T>
void convolution_input_gradient(const Step& s, const Windows& windows, const T* dy,
                                Index n_images, const T* packed_turned, T* dx, T* spread) {
    const T zeros[tile_columns<T>] = {};
    Index n_values = s.kh * s.kw * s.out.c;
    for (Index i = 0; i < n_images; ++i, dy += s.out.size(), dx += s.in.size()) {
        for (Index r = 0; r < s.out.h; ++r) {
            T* row = spread + ((windows.spread_top + r * s.sh) * windows.spread_w + windows.spread_left) * s.out.c;
            for (Index p = 0; p < s.out.w; ++p)
                std::copy_n(dy + (r * s.out.w + p) * s.out.c, s.out.c, row + p * s.sw * s.out.c);
        }
        const T* panel = packed_turned;
        for (Index c = 0; c < s.in.c; c += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, s.in.c - c);
            Index b_row = panel_width<T>(columns);
            for (Index row = 0; row < s.in.h; ++row) {
                Left<T> a{spread + ((row + s.top) * windows.spread_w + s.left) * s.out.c, s.out.c, 1,
                          windows.turned_runs.data(), Index(windows.turned_runs.size()),
                          windows.turned_run_length};
                multiply_panel(s.in.w, columns, a, panel, b_row, zeros, 0,
                               dx + row * s.in.w * s.in.c + c, s.in.c);
            }
            panel += n_values * b_row;
        }
    }
}

}  // namespace skneural
