// Embeddings. The last columns of X contain level codes. Each is replaced by a row of a table, or by
// one-hot columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vectors.h"

namespace skneural {

// A column of level codes: the offset of its table in the parameters, the number of levels, and the
// number of values per level. One-hot columns have no table, and a width of 0.
struct Table {
    Index first, n_levels, width;
    Index size() const { return n_levels * width; }
    Index n_one_hot() const { return width ? 0 : n_levels; }
};

// Level codes of a batch, in a vector for each column of codes.
using Levels = std::vector<std::vector<std::int32_t>>;

// Return the level of a code in X, or -1 if the code is out of range or NaN.
template <class T>
inline Index level_of(T code, const Table& table) {
    return code >= 0 && code < T(table.n_levels) ? Index(code) : -1;
}

// levels[k][first + i] = the level of row i of x, for each column k of codes
template <class T>
void read_levels(const std::vector<Table>& tables, const T* x, Index n_rows, Index n_inputs,
                 Levels& levels, Index first) {
    Index n_tables = Index(tables.size());
    for (Index k = 0; k < n_tables; ++k) {
        const T* codes = x + n_inputs - n_tables + k;
        for (Index i = 0; i < n_rows; ++i)
            levels[k][first + i] = std::int32_t(level_of(codes[i * n_inputs], tables[k]));
    }
}

// y = [the other columns, rows of the tables, one-hot columns], for rows whose levels are in `levels`
// from `first` on. Unless `writes_one_hot`, the one-hot columns of y are left as they are.
template <class T>
void embedding_forward(const std::vector<Table>& tables, const T* x, Index n_rows, Index n_inputs,
                       Index n_outputs, const T* theta, bool writes_one_hot, T* y,
                       const Levels& levels, Index first) {
    Index n_tables = Index(tables.size()), n_passed = n_inputs - n_tables, n_one_hot = 0;
    for (const Table& table : tables) n_one_hot += table.n_one_hot();
    for (Index i = 0; i < n_rows; ++i) {
        T* row = y + i * n_outputs;
        copy_few(x + i * n_inputs, n_passed, row);
        if (writes_one_hot) std::fill_n(row + n_outputs - n_one_hot, n_one_hot, T(0));
    }
    Index vector = n_passed, one_hot = n_outputs - n_one_hot;
    for (Index k = 0; k < n_tables; ++k) {
        const Table& table = tables[k];
        const std::int32_t* own = levels[k].data() + first;
        if (table.width)
            for (Index i = 0; i < n_rows; ++i) {
                T* to = y + i * n_outputs + vector;
                if (own[i] < 0)
                    std::fill_n(to, table.width, T(0));
                else
                    copy_few(theta + table.first + own[i] * table.width, table.width, to);
            }
        else if (writes_one_hot)
            for (Index i = 0; i < n_rows; ++i)
                if (own[i] >= 0) y[i * n_outputs + one_hot + own[i]] = 1;
        vector += table.width;
        one_hot += table.n_one_hot();
    }
}

// y = bias + the rows of `weight` that belong to the levels of one-hot columns, for `n_rows` rows from
// `first` on. `picked` is scratch.
template <class T>
void one_hot_forward(const std::vector<Table>& tables, const Levels& levels, Index first, Index n_rows,
                     Index n_units, const T* weight, const T* bias, T* y, std::vector<const T*>& picked) {
    for (Index i = first; i < first + n_rows; ++i, y += n_units) {
        const T* rows = weight;
        picked.clear();
        for (std::size_t k = 0; k < tables.size(); ++k) {
            if (!tables[k].width && levels[k][i] >= 0) picked.push_back(rows + levels[k][i] * n_units);
            rows += tables[k].n_one_hot() * n_units;
        }
        add_picked(bias, picked.data(), picked.data() + picked.size(), n_units, y);
    }
}

// gradient = the sum of the rows of dy for each of `n_levels` levels from `first` on, which is the
// gradient of the weights of their one-hot columns. `ends` and `picked` are scratch.
template <class T>
void one_hot_gradient(const std::int32_t* levels, Index n_rows, Index n_units, const T* dy, Index first,
                      Index n_levels, T* gradient, std::vector<Index>& ends, std::vector<const T*>& picked) {
    auto is_in = [&](Index i) { return levels[i] >= first && levels[i] < first + n_levels; };
    ends.assign(n_levels + 1, 0);
    picked.resize(n_rows);
    for (Index i = 0; i < n_rows; ++i)
        if (is_in(i)) ++ends[levels[i] - first + 1];
    for (Index k = 1; k < n_levels; ++k) ends[k] += ends[k - 1];  // where the rows of level k begin
    for (Index i = 0; i < n_rows; ++i)
        if (is_in(i)) picked[ends[levels[i] - first]++] = dy + i * n_units;
    Index begin = 0;
    for (Index k = 0; k < n_levels; begin = ends[k++], gradient += n_units) {
        if (begin == ends[k])
            std::fill_n(gradient, n_units, T(0));
        else
            add_picked(picked[begin], picked.data() + begin + 1, picked.data() + ends[k], n_units, gradient);
    }
}

}  // namespace skneural
