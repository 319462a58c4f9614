// Fully connected layers: y = x weight + bias.
#pragma once

#include "product.h"
#include "program.h"

namespace skneural {

// Number of rows of x that are multiplied with all columns before the next rows. They fill half of
// the second-level cache. With fewer than 64 rows, packing the weights would cost as much time as
// the multiplication.
template <class T>
inline Index rows_at_once(Index n_inputs) {
    return std::max<Index>(64, (Index(1) << 19) / (std::max<Index>(n_inputs, 1) * Index(sizeof(T))));
}

// Minimum number of rows for which a panel of weights is packed first. Measured: packing gains
// nothing with 64 rows and 784 x 128 weights, and a third with 256 rows and 784 x 512 weights with
// AVX2. The last columns are always packed if they do not fill their vectors.
constexpr Index rows_worth_packing = 96;
// Number of rows that are summed in one pass for a gradient, so that the data that are read stay
// in the second-level cache.
constexpr Index rows_summed_at_once = 1024;
// Number of values in a strip of a gradient. The update then reads the strip from the first-level
// cache.
constexpr Index strip_size = 4096;

// Whether the columns fill whole vectors. Only the last columns of a matrix may not.
template <class T>
inline bool fills_vectors(Index columns) {
    return columns % tile_columns<T> == 0 || columns % tile_columns<T> == width<T>;
}

// Whether `dense_forward` packs at least some of the weights.
template <class T>
inline bool packs_any(Index n_rows, Index n_units) {
    return n_rows >= rows_worth_packing || !fills_vectors<T>(n_units);
}

// The sum of x[k] * w[k]
template <class T>
T dot(const T* x, const T* w, Index n) {
    Vector<T> sums[2] = {};
    Index k = 0;
    for (; k + 2 * width<T> <= n; k += 2 * width<T>) {
        sums[0] += load(x + k) * load(w + k);
        sums[1] += load(x + k + width<T>) * load(w + k + width<T>);
    }
    T lanes[width<T>], sum = 0;
    sums[0] += sums[1];
    store<T>(lanes, sums[0]);
    for (T lane : lanes) sum += lane;
    for (; k < n; ++k) sum += x[k] * w[k];
    return sum;
}

// y = start + x weight for the first `n_inputs` values of the rows of x, which are `x_row` values apart.
// `start` is the bias, and `start_row` is 0; or `start` is y, and `start_row` is n_units. `panel` has
// room for n_inputs x tile_columns values.
template <class T>
void dense_forward(const T* x, Index n_rows, Index x_row, Index n_inputs, Index n_units, const T* weight,
                   const T* start, Index start_row, T* y, T* panel) {
    if (n_units == 1) {  // in a tile, all lanes but one would be empty
        for (Index i = 0; i < n_rows; ++i) y[i] = start[i * start_row] + dot(x + i * x_row, weight, n_inputs);
        return;
    }
    Index block = rows_at_once<T>(n_inputs);
    for (Index i = 0; i < n_rows; i += block) {
        Index rows = std::min(block, n_rows - i);
        Left<T> a{x + i * x_row, x_row, 1, one_run, 1, n_inputs};
        for (Index j = 0; j < n_units; j += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, n_units - j);
            const T *b = weight + j, *from = start + i * start_row + j;
            Index b_row = n_units;
            T padded_bias[tile_columns<T>] = {};
            bool whole = fills_vectors<T>(columns);
            if (!whole && !start_row) {
                std::copy_n(from, columns, padded_bias);
                from = padded_bias;
            }
            if (!whole || rows >= rows_worth_packing) {
                pack_panel(b, n_units, 1, n_inputs, columns, panel);
                b = panel;
                b_row = panel_width<T>(columns);
            }
            multiply_panel(rows, columns, a, b, b_row, from, start_row, y + i * n_units + j, n_units);
        }
    }
}

// The forward pass of dense step `i`. If it adds rows of weights for one-hot columns, `levels` contains
// the levels of the rows of x from `first` on. `picked` is scratch.
template <class T>
void dense_step_forward(const Program& program, Index i, const T* x, Index n_rows, const T* theta,
                        const Levels& levels, Index first, T* y, T* panel, std::vector<const T*>& picked) {
    const Step& s = program.steps[i];
    Index n_multiplied = program.n_multiplied(i), n_units = s.out.c, start_row = 0;
    const T *weight = theta + s.weight, *start = theta + s.bias;
    if (n_multiplied < s.in.size()) {
        one_hot_forward(program.tables, levels, first, n_rows, n_units, weight + n_multiplied * n_units,
                        start, y, picked);
        start = y;
        start_row = n_units;
    }
    dense_forward(x, n_rows, s.in.size(), n_multiplied, n_units, weight, start, start_row, y, panel);
}

// dx = dy weight^T for the inputs from `first` to `last`, without `last`. `panel` has room for
// n_units x tile_columns values.
template <class T>
void dense_input_gradient(const T* dy, Index n_rows, Index n_inputs, Index n_units, const T* weight,
                          Index first, Index last, T* dx, T* panel) {
    const T zeros[tile_columns<T>] = {};
    Index block = rows_at_once<T>(n_units);
    for (Index i = 0; i < n_rows; i += block) {
        Index rows = std::min(block, n_rows - i);
        Left<T> a{dy + i * n_units, n_units, 1, one_run, 1, n_units};
        for (Index j = first; j < last; j += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, last - j);
            pack_panel(weight + j * n_units, 1, n_units, n_units, columns, panel);
            multiply_panel(rows, columns, a, panel, panel_width<T>(columns), zeros, 0,
                           dx + i * n_inputs + j, n_inputs);
        }
    }
}

// Number of inputs whose weight gradients form one strip, rounded to whole tiles.
inline Index strip_rows(Index n_units) {
    return std::max<Index>(1, strip_size / (n_units * tile_rows)) * tile_rows;
}

// Number of levels whose weight gradients form one strip.
inline Index strip_levels(Index n_units) { return std::max<Index>(1, strip_size / n_units); }

// Whether all columns are packed. With many rows only the last columns are packed, if they do not
// fill their vectors.
inline bool packs_all(Index n_rows) { return n_rows <= rows_summed_at_once; }

// Pack the gradient of the outputs for `dense_strip`.
template <class T>
void pack_output_gradient(const T* dy, Index n_rows, Index n_units, T* packed) {
    for (Index j = 0; j < n_units; j += tile_columns<T>) {
        Index columns = std::min(tile_columns<T>, n_units - j);
        bool whole = fills_vectors<T>(columns);
        if (!whole || packs_all(n_rows))
            pack_panel(dy + j, n_units, 1, n_rows, columns, packs_all(n_rows) ? packed + j * n_rows : packed);
    }
}

// strip = x[:, first : first + n]^T dy, the gradient of the weights of these inputs.
template <class T>
void dense_strip(const T* x, const T* dy, const T* packed, Index n_rows, Index n_inputs,
                 Index n_units, Index first, Index n, T* strip) {
    const T zeros[tile_columns<T>] = {};
    for (Index k = 0; k < n_rows; k += rows_summed_at_once) {
        Index rows = std::min(rows_summed_at_once, n_rows - k);
        // With one unit the roles are exchanged, because all lanes but one would be empty.
        Index done = n_units == 1 ? n / tile_columns<T> * tile_columns<T> : 0;
        Left<T> slopes{dy + k, 0, 1, one_run, 1, rows};
        for (Index j = 0; j < done; j += tile_columns<T>)
            multiply_panel(1, tile_columns<T>, slopes, x + k * n_inputs + first + j, n_inputs,
                           k ? strip + j : zeros, 0, strip + j, 0);
        Left<T> a{x + k * n_inputs + first + done, 1, n_inputs, one_run, 1, rows};
        for (Index j = 0; j < n_units; j += tile_columns<T>) {
            Index columns = std::min(tile_columns<T>, n_units - j);
            bool whole = fills_vectors<T>(columns);
            const T* b = dy + k * n_units + j;
            Index b_row = n_units;
            if (!whole || packs_all(n_rows)) {
                b_row = panel_width<T>(columns);
                b = packed + (packs_all(n_rows) ? j * n_rows : 0) + k * b_row;
            }
            T* c = strip + done * n_units + j;
            multiply_panel(n - done, columns, a, b, b_row, k ? c : zeros, k ? n_units : 0, c, n_units);
        }
    }
}

// sum[j] = sum of x[:, j]
template <class T>
void sum_rows(const T* x, Index n_rows, Index n_columns, T* sum) {
    std::fill_n(sum, n_columns, T(0));
    for (Index i = 0; i < n_rows; ++i)
        for (Index j = 0; j < n_columns; ++j) sum[j] += x[i * n_columns + j];
}

// Largest number of values that `pack_output_gradient` writes for up to `n_rows` rows. All columns of
// a small last batch need more room than the last columns of a large batch.
template <class T>
inline Index packed_gradient_size(Index n_rows, Index n_units) {
    return std::max(packed_size<T>(std::min(n_rows, rows_summed_at_once), n_units), n_rows * tile_columns<T>);
}

// Rows of a sparse matrix in CSR format.
template <class T>
struct SparseRows {
    const T* values;
    const std::int32_t* columns;
    const std::int32_t* starts;
};

// y = x weight + bias for sparse rows, whose indices are `rows`
template <class T>
void sparse_forward(const SparseRows<T>& x, const Index* rows, Index n_rows, Index n_units,
                    const T* weight, const T* bias, T* y) {
    for (Index i = 0; i < n_rows; ++i, y += n_units) {
        std::copy_n(bias, n_units, y);
        for (std::int32_t p = x.starts[rows[i]]; p < x.starts[rows[i] + 1]; ++p) {
            const T* w = weight + Index(x.columns[p]) * n_units;
            T value = x.values[p];
            for (Index j = 0; j < n_units; ++j) y[j] += value * w[j];
        }
    }
}

// gradient[:, first : last] += x^T dy[:, first : last] for sparse rows
template <class T>
void sparse_weight_gradient(const SparseRows<T>& x, const Index* rows, Index n_rows,
                            Index n_units, Index first, Index last, const T* dy, T* gradient) {
    for (Index i = 0; i < n_rows; ++i, dy += n_units)
        for (std::int32_t p = x.starts[rows[i]]; p < x.starts[rows[i] + 1]; ++p) {
            T* g = gradient + Index(x.columns[p]) * n_units;
            T value = x.values[p];
            for (Index j = first; j < last; ++j) g[j] += value * dy[j];
        }
}

}  // namespace skneural
