// Embeddings. The last columns of X contain level codes, and each level has a row in a table.
#pragma once

#include <algorithm>
#include <vector>

#include "vectors.h"

namespace skneural {

// A table of embeddings: its offset in the parameters, the number of levels, and the number of
// values per level.
struct Table {
    Index first, n_levels, width;
    Index size() const { return n_levels * width; }
};

// Return the level of a code in X, or -1 if the code is out of range or NaN.
template <class T>
inline Index level_of(T code, const Table& table) {
    return code >= 0 && code < T(table.n_levels) ? Index(code) : -1;
}

// y = [the other columns, one row of each table]. `level_out(k, i, level)` is called for every table
// k and row i.
template <class T, class F>
void embedding_forward(const std::vector<Table>& tables, const T* x, Index n_rows, Index n_inputs,
                       const T* theta, T* y, F level_out) {
    Index n_tables = Index(tables.size()), n_passed = n_inputs - n_tables;
    for (Index i = 0; i < n_rows; ++i, x += n_inputs) {
        copy_few(x, n_passed, y);
        y += n_passed;
        for (Index k = 0; k < n_tables; ++k) {
            const Table& table = tables[k];
            Index level = level_of(x[n_passed + k], table);
            level_out(k, i, level);
            if (level < 0)
                std::fill_n(y, table.width, T(0));
            else
                copy_few(theta + table.first + level * table.width, table.width, y);
            y += table.width;
        }
    }
}

}  // namespace skneural
