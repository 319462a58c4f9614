// What steps of training work on: samples, settings of a call, and arrays for a batch.
#pragma once

#include <cstring>
#include <memory>

#include "dense.h"
#include "draws.h"

namespace skneural {

// Samples of a fit. X is dense (n_samples x n_inputs) or sparse.
template <class T>
struct Samples {
    const T* X;
    SparseRows<T> sparse;
    bool is_sparse;
    const T *y, *weights;  // weights may be null
    Index n_samples;
};

// What a call of `Training::run` does. Rows are those of `order` (null: as they stand).
struct Run {
    const Index* order;
    Index n_rows, batch_size;
    Index optimizer;
    double rate, first, second, epsilon, decay;
    bool nesterov;
    double alpha, l1_ratio, max_norm;
    bool measure_norm;     // of the last gradient; always measured with a maximum
    bool updates;          // false: only loss and gradient, left in `gradient`
    Draws draws;
    Index n_updates;       // of the optimizer so far, for Adam; counted on
    // results
    double loss_sum, weight_sum, norm;
};

constexpr Index align = 64;  // bytes
// Groups of the samples of a batch; a thread takes whole groups.
constexpr Index n_groups = 16;

// Numbers that begin at a cache line; zeros unless they are written before they are read.
template <class T>
class Array {
public:
    Array() = default;
    explicit Array(Index n, bool zeros = true) : memory(new char[std::size_t(n) * sizeof(T) + align]) {
        if (zeros) std::memset(memory.get(), 0, std::size_t(n) * sizeof(T) + align);
        auto address = reinterpret_cast<std::uintptr_t>(memory.get());
        first = reinterpret_cast<T*>((address + align - 1) / align * align);
    }
    T* data() const { return first; }

private:
    std::unique_ptr<char[]> memory;
    T* first = nullptr;
};

// Numbers for each sample of a batch, or of the few that a thread works on at once.
template <class T>
struct Batch {
    T* data = nullptr;
    Index size = 0;           // for one sample
    Index of_thread = 0;      // samples of each thread; 0: one place for each sample of the batch
    T* at(int thread, Index row) const {
        return data ? data + (of_thread ? thread * of_thread : row) * size : nullptr;
    }
};

}  // namespace skneural
