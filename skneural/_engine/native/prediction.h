// Predictions: the raw outputs of the network for any number of samples.
#pragma once

#include <atomic>

#include "finite.h"
#include "training.h"

namespace skneural {

template <class T>
class Prediction {
public:
    // `block` is the number of samples that a thread processes at a time.
    Prediction(const Program& program, Index block, int n_threads)
        : program(program), block(block), team(n_threads), threads(team.size()) {
        Index largest = program.largest(), panel = 0;
        for (const Step& s : program.steps)
            if (s.kind == DENSE && packs_any<T>(block, s.out.c)) panel = std::max(panel, s.in.size());
        for (const Step& s : program.steps) {
            bool convolves = s.kind == CONVOLUTION;
            windows.push_back(convolves ? Windows(s) : Windows());
            filters.emplace_back(convolves ? packed_size<T>(windows.back().n_values, s.out.c) : 0);
            biases.emplace_back(convolves ? packed_size<T>(1, s.out.c) : 0);
        }
        for (Thread& t : threads) {
            t.even = Array<T>(block * largest, false);
            t.odd = Array<T>(block * largest, false);
            t.panel = Array<T>(panel * tile_columns<T>, false);
            t.numbers.resize(block);
            t.levels.resize(program.tables.size(), std::vector<std::int32_t>(block));
            for (std::size_t i = 0; i < program.steps.size(); ++i) {
                bool convolves = program.steps[i].kind == CONVOLUTION;
                t.padded.emplace_back(convolves ? windows[i].padded_size(program.steps[i]) : 0);
            }
        }
    }

    // Write the raw predictions (n_samples x n_outputs) into `raw`, and return whether all values of
    // X are finite. Sparse X is not tested.
    bool run(const Samples<T>& samples, const T* theta, const T* state, T* raw) {
        for (std::size_t i = 0; i < program.steps.size(); ++i) {
            const Step& s = program.steps[i];
            if (s.kind != CONVOLUTION) continue;
            pack(theta + s.weight, s.out.c, 1, windows[i].n_values, s.out.c, filters[i].data());
            std::copy_n(theta + s.bias, s.out.c, biases[i].data());
        }
        std::atomic<Index> next{0};
        std::atomic<bool> finite{true};
        team.run([&](int thread) {
            for (Index i = next.fetch_add(block); i < samples.n_samples; i = next.fetch_add(block)) {
                Index n = std::min(block, samples.n_samples - i), n_inputs = program.n_inputs();
                // tested here, because the forward pass loads these values into the cache anyway
                if (!samples.is_sparse && !all_finite(samples.X + i * n_inputs, n * n_inputs)) finite = false;
                predict(threads[thread], samples, i, n, theta, state, raw);
            }
        });
        return finite;
    }

private:
    struct Thread {
        Array<T> even, odd, panel;
        std::vector<Array<T>> padded;
        std::vector<Index> numbers;
        std::vector<const T*> picked;  // rows of weights of one-hot columns
        Levels levels;
    };

    Program program;
    Index block;
    Team team;
    std::vector<Thread> threads;
    std::vector<Windows> windows;
    std::vector<Array<T>> filters, biases;

    void predict(Thread& t, const Samples<T>& samples, Index first, Index n, const T* theta,
                 const T* state, T* raw) {
        const T* x = samples.is_sparse ? nullptr : samples.X + first * program.n_inputs();
        bool even = true;
        for (std::size_t i = 0; i < program.steps.size(); ++i) {
            const Step& s = program.steps[i];
            if (s.kind == DROPOUT || s.kind == NOISE) continue;
            T* y = even ? t.even.data() : t.odd.data();
            if (s.kind == ACTIVATION) {
                activate(s.option, const_cast<T*>(x), static_cast<T*>(nullptr), n * s.out.size());
                continue;
            }
            if (i == 0 && samples.is_sparse) {
                for (Index k = 0; k < n; ++k) t.numbers[k] = first + k;
                sparse_forward(samples.sparse, t.numbers.data(), n, s.out.c, theta + s.weight,
                               theta + s.bias, y);
            } else {
                forward(t, i, x, n, theta, state, y);
            }
            x = y;
            even = !even;
        }
        std::copy_n(x, n * program.n_outputs(), raw + first * program.n_outputs());
    }

    void forward(Thread& t, std::size_t i, const T* x, Index n, const T* theta, const T* state, T* y) {
        const Step& s = program.steps[i];
        switch (s.kind) {
            case DENSE:
                return dense_step_forward(program, Index(i), x, n, theta, t.levels, 0, y, t.panel.data(),
                                          t.picked);
            case CONVOLUTION:
                return convolution_forward(s, windows[i], x, n, filters[i].data(), biases[i].data(), y,
                                           t.padded[i].data());
            case MAX_POOL:
                return max_pool_forward(s, x, n, y, static_cast<Place<T>*>(nullptr));
            case AVERAGE_POOL: return average_pool_forward(s, x, n, y);
            case GLOBAL_AVERAGE_POOL: return global_average_forward(s, x, n, y);
            case EMBEDDING:
                read_levels(program.tables, x, n, s.in.c, t.levels, 0);
                return embedding_forward(program.tables, x, n, s.in.c, s.out.c, theta,
                                         !program.adds_rows(), y, t.levels, 0);
            default: {  // BATCH_NORM, with the running statistics
                Index c = s.in.c;
                for (Index row = 0; row < n * s.in.pixels(); ++row)
                    for (Index j = 0; j < c; ++j) {
                        T factor = theta[s.weight + j] / std::sqrt(state[s.variance + j] + T(s.epsilon));
                        y[row * c + j] = (x[row * c + j] - state[s.mean + j]) * factor + theta[s.bias + j];
                    }
            }
        }
    }
};

}  // namespace skneural
