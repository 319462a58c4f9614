// Random numbers that depend only on the seed, the step, the layer and the element. The generator is
// Philox4x64-10, as in NumPy (J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC
// 2011). See philox.py.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace skneural {

struct Draws {
    std::uint64_t seed, step;
};

inline std::uint64_t multiply_high(std::uint64_t x, std::uint64_t y) {
#if defined(_MSC_VER) && !defined(__clang__)
    return __umulh(x, y);
#else
    return std::uint64_t((__extension__ (unsigned __int128)(x) * y) >> 64);
#endif
}

constexpr Index words_in_block = 8;

// Write the eight 32-bit words of block number `block` of the random numbers of a layer.
inline void draw_block(const Draws& draws, Index layer, std::uint64_t block, std::uint32_t* words) {
    // NumPy increases the counter before it draws, so its first block is number 1.
    std::uint64_t c[4] = {block + 1, draws.step, std::uint64_t(layer), 0};
    std::uint64_t key[2] = {draws.seed, 0};
    for (int round = 0; round < 10; ++round) {
        std::uint64_t low0 = c[0] * 0xD2E7470EE14C6C93u, low1 = c[2] * 0xCA5A826395121157u;
        std::uint64_t high0 = multiply_high(c[0], 0xD2E7470EE14C6C93u);
        std::uint64_t high1 = multiply_high(c[2], 0xCA5A826395121157u);
        c[0] = high1 ^ c[1] ^ key[0];
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ key[1];
        c[3] = low0;
        key[0] += 0x9E3779B97F4A7C15u;
        key[1] += 0xBB67AE8584CAA73Bu;
    }
    for (int i = 0; i < 4; ++i) {
        words[2 * i] = std::uint32_t(c[i]);
        words[2 * i + 1] = std::uint32_t(c[i] >> 32);
    }
}

// Call f(j, words) for each block of eight columns j, j + 1, ... of a row.
template <class F>
inline void draw_row(const Draws& draws, Index layer, Index row, Index n_columns, F f) {
    Index n_blocks = (n_columns + words_in_block - 1) / words_in_block;
    for (Index i = 0; i < n_blocks; ++i) {
        std::uint32_t words[words_in_block];
        draw_block(draws, layer, std::uint64_t(row * n_blocks + i), words);
        f(i * words_in_block, words);
    }
}

// y = x * factor, where factor is 0 for dropped units and 1 / (1 - rate) for the others
template <class T>
void dropout_forward(const Draws& draws, Index layer, double rate, Index first_row, Index n_rows,
                     Index n_columns, const T* x, T* y, T* factor) {
    double threshold = std::min(std::nearbyint(rate * 4294967296.0), 4294967295.0);
    std::uint32_t least = std::uint32_t(threshold);
    T scale = T(1 / (1 - rate));
    for (Index i = 0; i < n_rows; ++i, factor += n_columns)
        draw_row(draws, layer, first_row + i, n_columns, [&](Index j, const std::uint32_t* words) {
            Index n = std::min(words_in_block, n_columns - j);
            for (Index k = 0; k < n; ++k) factor[j + k] = words[k] >= least ? scale : T(0);
        });
    factor -= n_rows * n_columns;
    for (Index i = 0; i < n_rows * n_columns; ++i) y[i] = x[i] * factor[i];
}

// y = x + std * normal noise, computed in pairs (G. Box and M. Muller, 1958)
template <class T>
void noise_forward(const Draws& draws, Index layer, double std, Index first_row, Index n_rows,
                   Index n_columns, const T* x, T* y) {
    for (Index i = 0; i < n_rows; ++i, x += n_columns, y += n_columns)
        draw_row(draws, layer, first_row + i, n_columns, [&](Index j, const std::uint32_t* words) {
            for (Index k = 0; k < words_in_block && j + k < n_columns; k += 2) {
                double u1 = (words[k] + 0.5) / 4294967296.0, u2 = (words[k + 1] + 0.5) / 4294967296.0;
                double radius = std * std::sqrt(-2 * std::log(u1)), angle = 6.283185307179586 * u2;
                y[j + k] = x[j + k] + T(radius * std::cos(angle));
                if (j + k + 1 < n_columns) y[j + k + 1] = x[j + k + 1] + T(radius * std::sin(angle));
            }
        });
}

}  // namespace skneural
