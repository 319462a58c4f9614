// Data structures for training: the samples, the arguments of a call, and arrays for a batch.
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

// Arguments and results of a call of `Training::run`. If `order` is null, the rows are used in the
// order of the data.
struct Run {
    const Index* order;
    Index n_rows, batch_size;
    Index optimizer;
    double rate, first, second, epsilon, decay;
    bool nesterov;
    double alpha, l1_ratio, max_norm;
    bool measure_norm;     // whether to measure the norm of the last gradient, if max_norm is infinite
    bool updates;          // false: only compute the loss and the gradient, without an update
    Draws draws;
    Index n_updates;       // updates so far, needed by Adam; the call increases it
    // results
    double loss_sum, weight_sum, norm;
};

constexpr Index align = 64;  // bytes
// Number of groups into which the samples of a batch are divided. A thread takes whole groups.
constexpr Index n_groups = 16;

// An array that begins at a cache line. It is filled with zeros unless `zeros` is false.
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

// Values for each sample of a batch, or for the few samples that a thread processes at a time.
template <class T>
struct Batch {
    T* data = nullptr;
    Index size = 0;           // number of values per sample
    Index of_thread = 0;      // number of samples per thread; 0: room for every sample of the batch
    T* at(int thread, Index row) const {
        return data ? data + (of_thread ? thread * of_thread : row) * size : nullptr;
    }
};

}  // namespace skneural
