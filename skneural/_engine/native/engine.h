// The functions that seam.pxi calls to make a program, to train and to predict. Arrays are passed as
// untyped addresses.
#pragma once

#include <stdexcept>

#include "prediction.h"

namespace skneural {

constexpr int register_bytes() { return int(vector_bytes); }

// Addresses of the arrays of some samples. The seam has checked that their dtype is that of the
// program.
struct RawSamples {
    const void *X, *values;
    const std::int32_t *columns, *starts;
    bool is_sparse;
    const void *y, *weights;
    Index n_samples;
};

template <class T>
Samples<T> typed(const RawSamples& raw) {
    return {static_cast<const T*>(raw.X),
            {static_cast<const T*>(raw.values), raw.columns, raw.starts},
            raw.is_sparse,
            static_cast<const T*>(raw.y),
            static_cast<const T*>(raw.weights),
            raw.n_samples};
}

inline Program make_program(const Index* integers, const double* reals, Index n_steps,
                            const Index* head_integers, const double* head_reals, Index n_heads,
                            const Index* table_integers, Index n_tables,
                            Index n_params, Index n_weights, Index n_state) {
    Program program;
    for (Index i = 0; i < n_steps; ++i)
        program.steps.push_back(read_step(integers + i * n_step_integers, reals + i * n_step_reals));
    for (Index i = 0; i < n_heads; ++i)
        program.heads.push_back(
            read_head(head_integers + i * n_head_integers, head_reals + i * n_head_reals));
    for (Index i = 0; i < n_tables; ++i, table_integers += 3)
        program.tables.push_back({table_integers[0], table_integers[1], table_integers[2]});
    program.n_params = n_params;
    program.n_weights = n_weights;
    program.n_state = n_state;
    std::string wrong = check_program(program);
    if (!wrong.empty()) throw std::invalid_argument("The program of the network: " + wrong + ".");
    return program;
}

class AnyTraining {
public:
    virtual ~AnyTraining() = default;
    virtual int n_threads() const = 0;
    virtual void run(Run& run, const RawSamples& samples, void* theta, void* state, void* m, void* v,
                     void* gradient) = 0;
};

template <class T>
class TypedTraining : public AnyTraining {
public:
    TypedTraining(const Program& program, Index batch_size, int n_threads)
        : training(program, batch_size, n_threads) {}
    int n_threads() const override { return training.n_threads(); }
    void run(Run& run, const RawSamples& samples, void* theta, void* state, void* m, void* v,
             void* gradient) override {
        training.run(run, typed<T>(samples), static_cast<T*>(theta), static_cast<T*>(state),
                     static_cast<T*>(m), static_cast<T*>(v), static_cast<T*>(gradient));
    }

private:
    Training<T> training;
};

inline AnyTraining* make_training(const Program& program, bool is_double, Index batch_size, int n_threads) {
    if (is_double) return new TypedTraining<double>(program, batch_size, n_threads);
    return new TypedTraining<float>(program, batch_size, n_threads);
}

inline bool predict(const Program& program, bool is_double, Index block, int n_threads,
                    const RawSamples& samples, const void* theta, const void* state, void* raw) {
    if (is_double)
        return Prediction<double>(program, block, n_threads)
            .run(typed<double>(samples), static_cast<const double*>(theta),
                 static_cast<const double*>(state), static_cast<double*>(raw));
    return Prediction<float>(program, block, n_threads)
        .run(typed<float>(samples), static_cast<const float*>(theta), static_cast<const float*>(state),
             static_cast<float*>(raw));
}

}  // namespace skneural
