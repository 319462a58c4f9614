// Matrix products with register tiles, for dense layers and convolutions.
#pragma once

#include <algorithm>

#include "vectors.h"

namespace skneural {

// The size of a tile of the result, which stays in registers: rows x vectors per row. AVX2 and SSE2
// have 16 registers: with 6 x 2, enough are left for two vectors of B and one value of A. AVX-512
// and NEON have 32 registers: 8 x 2 is enough to hide the latency of a multiply-add.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index tile_rows = 8;
#else
constexpr Index tile_rows = 6;
#endif
constexpr Index tile_vectors = 2;
template <class T>
constexpr Index tile_columns = tile_vectors * width<T>;

// The left matrix. The value in row m and column k of run r is
// data[m * row + runs[r] + k * step]. With runs the windows of an image need not be copied.
template <class T>
struct Left {
    const T* data;
    Index row, step;
    const Index* runs;
    Index n_runs, run_length;
};

constexpr Index one_run[1] = {0};

// C = start + A B for one tile. Every value of C is a single sum in the order of k, so it does not
// depend on how the matrix is divided into tiles.
template <class T, int M, int N>
SKNEURAL_INLINE void multiply_tile(const Left<T>& a, const T* b, Index b_row, const T* start,
                                   Index start_row, T* c, Index c_row) {
    Vector<T> sum[M][N];
    SKNEURAL_UNROLL
    for (int m = 0; m < M; ++m) {
        SKNEURAL_UNROLL
        for (int n = 0; n < N; ++n) sum[m][n] = load(start + m * start_row + n * width<T>);
    }
    for (Index r = 0; r < a.n_runs; ++r) {
        const T* p = a.data + a.runs[r];
        for (Index k = 0; k < a.run_length; ++k, p += a.step, b += b_row) {
            Vector<T> columns[N];
            SKNEURAL_UNROLL
            for (int n = 0; n < N; ++n) columns[n] = load(b + n * width<T>);
            SKNEURAL_UNROLL
            for (int m = 0; m < M; ++m) {
                Vector<T> value = broadcast(p[m * a.row]);
                SKNEURAL_UNROLL
                for (int n = 0; n < N; ++n) sum[m][n] += value * columns[n];
            }
        }
    }
    SKNEURAL_UNROLL
    for (int m = 0; m < M; ++m) {
        SKNEURAL_UNROLL
        for (int n = 0; n < N; ++n) store(c + m * c_row + n * width<T>, sum[m][n]);
    }
}

template <class T, int N>
inline void multiply_rows(Index m, const Left<T>& a, const T* b, Index b_row, const T* start,
                          Index start_row, T* c, Index c_row) {
    switch (m) {
        case 1: return multiply_tile<T, 1, N>(a, b, b_row, start, start_row, c, c_row);
        case 2: return multiply_tile<T, 2, N>(a, b, b_row, start, start_row, c, c_row);
        case 3: return multiply_tile<T, 3, N>(a, b, b_row, start, start_row, c, c_row);
        case 4: return multiply_tile<T, 4, N>(a, b, b_row, start, start_row, c, c_row);
        case 5: return multiply_tile<T, 5, N>(a, b, b_row, start, start_row, c, c_row);
        case 6: return multiply_tile<T, 6, N>(a, b, b_row, start, start_row, c, c_row);
#if defined(__AVX512F__) || defined(__aarch64__)
        case 7: return multiply_tile<T, 7, N>(a, b, b_row, start, start_row, c, c_row);
        case 8: return multiply_tile<T, 8, N>(a, b, b_row, start, start_row, c, c_row);
#endif
        default: return;
    }
}

// C = start + A B for up to `tile_columns` columns, for which B and start have `n_vectors` whole
// vectors. Rows are divided evenly: two tiles of 5 rows are faster than one of 8 and one of 2.
template <class T>
void multiply_panel(Index n_rows, Index n_columns, Left<T> a, const T* b, Index b_row,
                    const T* start, Index start_row, T* c, Index c_row) {
    Index n_tiles = (n_rows + tile_rows - 1) / tile_rows;
    bool one_vector = n_columns <= width<T>;
    bool whole = n_columns % width<T> == 0;
    T edge[tile_rows * tile_columns<T>];
    const T* data = a.data;
    for (Index i = 0; i < n_tiles; ++i) {
        Index first = n_rows * i / n_tiles, m = n_rows * (i + 1) / n_tiles - first;
        a.data = data + first * a.row;
        const T* from = start + first * start_row;
        T* to = c + first * c_row;
        Index from_row = start_row, to_row = c_row;
        if (!whole) {  // incomplete vectors are computed in a separate tile
            if (start_row) {
                for (Index r = 0; r < m; ++r)
                    std::copy_n(from + r * start_row, n_columns, edge + r * tile_columns<T>);
                from = edge;
                from_row = tile_columns<T>;
            }
            to = edge;
            to_row = tile_columns<T>;
        }
        if (one_vector)
            multiply_rows<T, 1>(m, a, b, b_row, from, from_row, to, to_row);
        else
            multiply_rows<T, tile_vectors>(m, a, b, b_row, from, from_row, to, to_row);
        if (!whole)
            for (Index r = 0; r < m; ++r)
                std::copy_n(edge + r * tile_columns<T>, n_columns, c + (first + r) * c_row);
    }
}

// Number of values in a row of a packed panel: the columns, rounded up to whole vectors.
template <class T>
inline Index panel_width(Index n_columns) {
    return n_columns <= width<T> ? width<T> : tile_columns<T>;
}

// Number of values in all panels of a matrix.
template <class T>
inline Index packed_size(Index n_rows, Index n_columns) {
    Index whole = n_columns / tile_columns<T> * tile_columns<T>;
    return n_rows * (whole + (n_columns > whole ? panel_width<T>(n_columns - whole) : 0));
}

#if defined(SKNEURAL_HAS_SHUFFLES)
// Transpose a square of values. Each pass exchanges blocks of `Block` x `Block` values.
template <class T, int Block>
SKNEURAL_INLINE void transpose(Vector<T> (&rows)[width<T>]) {
    Vector<Integer<T>> upper = {}, lower = {};
    SKNEURAL_UNROLL
    for (int i = 0; i < width<T>; ++i) {
        upper[i] = i & Block ? i - Block + width<T> : i;
        lower[i] = i & Block ? i + width<T> : i + Block;
    }
    SKNEURAL_UNROLL
    for (int i = 0; i < width<T>; ++i) {
        if (i & Block) continue;
        Vector<T> above = rows[i], below = rows[i + Block];
        rows[i] = __builtin_shuffle(above, below, upper);
        rows[i + Block] = __builtin_shuffle(above, below, lower);
    }
    if constexpr (Block > 1) transpose<T, Block / 2>(rows);
}

// Copy the first `n_rows` values of some columns, which are `column` values apart. Whole squares are
// transposed in registers. Return the number of rows copied.
template <class T>
inline Index pack_squares(const T* b, Index column, Index n_rows, Index n_columns, Index padded, T* to) {
    Index whole = n_rows / width<T> * width<T>;
    for (Index first = 0; first < n_columns; first += width<T>)
        for (Index k = 0; k < whole; k += width<T>) {
            Vector<T> rows[width<T>];
            SKNEURAL_UNROLL
            for (int n = 0; n < width<T>; ++n)
                rows[n] = first + n < n_columns ? load(b + (first + n) * column + k) : Vector<T>{};
            transpose<T, width<T> / 2>(rows);
            SKNEURAL_UNROLL
            for (int n = 0; n < width<T>; ++n) store(to + (k + n) * padded + first, rows[n]);
        }
    return whole;
}
#endif

// Copy some columns of a matrix row by row, and pad each row with zeros to whole vectors.
template <class T>
inline void pack_panel(const T* b, Index row, Index column, Index n_rows, Index n_columns, T* to) {
    Index padded = panel_width<T>(n_columns);
    if (column == 1 && n_columns == tile_columns<T>) {
        for (Index k = 0; k < n_rows; ++k)
            for (int n = 0; n < tile_vectors; ++n)
                store(to + k * tile_columns<T> + n * width<T>, load(b + k * row + n * width<T>));
        return;
    }
    Index first = 0;
#if defined(SKNEURAL_HAS_SHUFFLES)
    if (row == 1) first = pack_squares(b, column, n_rows, n_columns, padded, to);
#endif
    for (Index k = first; k < n_rows; ++k) {
        for (Index n = 0; n < n_columns; ++n) to[k * padded + n] = b[k * row + n * column];
        for (Index n = n_columns; n < padded; ++n) to[k * padded + n] = 0;
    }
}

template <class T>
inline void pack(const T* b, Index row, Index column, Index n_rows, Index n_columns, T* to) {
    for (Index j = 0; j < n_columns; j += tile_columns<T>) {
        Index n = std::min(tile_columns<T>, n_columns - j);
        pack_panel(b + j * column, row, column, n_rows, n, to);
        to += n_rows * panel_width<T>(n);
    }
}

}  // namespace skneural
