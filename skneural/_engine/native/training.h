// Training: forward pass, loss, backward pass and update for one mini-batch after another.
//
// Every thread computes the forward and backward pass for some samples of a batch. After a barrier
// the threads divide the gradients of the parameters among themselves, strip by strip, and update
// each strip while it is in the cache. A second barrier ends the step. Sums over samples that are
// computed by several threads (convolutions, batch normalization) have one partial sum for each of
// `n_groups` groups of samples. The partial sums are added in a fixed order, so the bits of a result
// do not depend on the number of threads.
#pragma once

#include <atomic>

#include "batch.h"
#include "convolution.h"
#include "dense.h"
#include "draws.h"
#include "normalization.h"
#include "optimizers.h"
#include "pooling.h"
#include "subnormal.h"
#include "threads.h"

namespace skneural {

template <class T>
class Training {
public:
    Training(const Program& program, Index batch_size, int n_threads)
        : program(program), steps(this->program.steps), batch_size(batch_size), team(n_threads) {
        n_steps = Index(steps.size());
        first = 0;
        while (!this->program.learns(first)) ++first;
        find_chunks();
        allocate();
        list_items();
    }

    int n_threads() const { return team.size(); }

    // `m` and `v` are the state of the optimizer, or null. `gradient` has room for all parameters.
    void run(Run& run, const Samples<T>& samples, T* theta, T* state, T* m, T* v, T* gradient) {
        this->theta = theta;
        this->state = state;
        this->m = m;
        this->v = v;
        this->gradient = gradient;
        // Sparse rows, and rows in the order of the data, are read without a copy.
        if (run.order && !samples.is_sparse && !input) input = allocate(batch_size * program.n_inputs());
        if (!run.updates)  // the gradient of levels that do not occur is not computed, but zero
            std::fill(gradient + program.n_weights, gradient + program.embeddings_end(), T(0));
        run.loss_sum = run.weight_sum = run.norm = 0;
        team.run([&](int thread) { train(thread, run, samples); });
    }

private:
    enum Part : Index { STRIP, ONE_HOT, BIAS, SUM_OF_GROUPS, READY, ROWS };
    // Some of the parameters. An item of a column of level codes has the column's index as `first`, and
    // an item of one-hot columns their first level as `rows`.
    struct Item {
        Index part, step, offset, size, first, rows;
    };

    Program program;
    const std::vector<Step>& steps;
    Index batch_size, n_steps, first;
    Team team;
    Index n_chunked = 0, chunk = 0;  // steps that process `chunk` samples at a time
    T *theta = nullptr, *state = nullptr, *m = nullptr, *v = nullptr, *gradient = nullptr;

    std::vector<Array<T>> memory;
    T* input = nullptr;  // the rows of a batch, contiguous
    std::vector<Batch<T>> values, deltas, extras;  // per step: output, its gradient, slopes
    std::vector<Batch<Place<T>>> places;
    std::vector<Array<Place<T>>> place_memory;
    std::vector<Windows> windows;                // per step
    std::vector<double> row_losses[2];  // of this step and of the previous step
    std::vector<std::vector<double>> statistics;  // per step: sums over each group
    std::vector<std::vector<T>> channel_numbers;
    struct Thread {
        Array<T> panel, packed, strip, turned;
        std::vector<Array<T>> padded_images, spread_gradients, filters, turned_filters, biases;
        std::vector<Index> numbers;  // indices of rows
        std::vector<const T*> picked;  // rows of weights of one-hot columns, or of their gradients
        std::vector<Index> ends;       // in `picked`, of the rows of each level
        Index n_fetched = 0;         // rows of the next batch that have been prefetched
        Index packed_step = -1;
    };
    std::vector<Thread> threads;
    std::vector<Item> items;
    Index n_strips = 0;
    std::vector<Sums> item_sums;
    std::unique_ptr<std::atomic<Index>[]> next_items{new std::atomic<Index>[team.size()]};  // per thread
    Levels levels;                                   // of the rows of the batch
    std::vector<std::vector<Index>> last_steps;      // per table and level: the last batch with it
    std::vector<std::vector<std::int32_t>> touched;  // per item: its levels in the batch
    Index n_batches = 1;  // number of batches, including the current one
    Array<T> group_gradients;      // of convolutions: gradients of weights and biases for each group
    std::vector<Index> own_place;  // per step: offset in `group_gradients`

    T* allocate(Index n) {
        memory.emplace_back(n);
        return memory.back().data();
    }

    // Convolutions and pooling layers process a few images at a time, which stay in the cache. Batch
    // normalization and the gradients of embeddings need all samples at once.
    void find_chunks() {
        bool convolves = false, normalizes = false;
        Index largest = 1;
        for (n_chunked = 0; n_chunked < n_steps && steps[n_chunked].kind != DENSE; ++n_chunked) {
            const Step& s = steps[n_chunked];
            convolves = convolves || s.kind == CONVOLUTION;
            normalizes = normalizes || s.kind == BATCH_NORM || s.kind == EMBEDDING;
            largest = std::max({largest, s.in.size(), s.out.size()});
        }
        if (!convolves || normalizes) n_chunked = 0;
        constexpr Index cache = 1 << 18;  // bytes
        chunk = std::min(std::max<Index>(1, cache / (largest * Index(sizeof(T)))), batch_size);
    }

    static bool in_place(const Step& s) {  // whether the gradient of the input overwrites dy
        return s.kind == ACTIVATION || s.kind == DROPOUT || s.kind == NOISE || s.kind == BATCH_NORM;
    }

    void allocate() {
        values.resize(n_steps);
        deltas.resize(n_steps);
        extras.resize(n_steps);
        places.resize(n_steps);
        statistics.resize(n_steps);
        channel_numbers.resize(n_steps);
        own_place.resize(n_steps, -1);
        for (auto& losses : row_losses) losses.resize(batch_size);
        threads.resize(team.size());
        for (Index i = 0; i < n_steps; ++i) {
            const Step& s = steps[i];
            windows.push_back(s.kind == CONVOLUTION ? Windows(s) : Windows());
            bool passing = s.kind == CONVOLUTION && i + 1 < n_chunked && is_pool(steps[i + 1]);
            values[i] = s.kind == ACTIVATION ? values[i - 1] : batch(s.out.size(), passing);
            if ((s.kind == ACTIVATION && keeps_slope(s.option)) || s.kind == DROPOUT)
                extras[i] = batch(s.out.size(), false);
            if (s.kind == MAX_POOL) {
                place_memory.emplace_back(batch_size * s.out.size());
                places[i] = {place_memory.back().data(), s.out.size(), 0};
            }
            if (s.kind == BATCH_NORM) {
                statistics[i].resize(4 * s.in.c * n_groups);
                channel_numbers[i].resize(team.size() * 4 * s.in.c);
            }
        }
        for (Index i = n_steps - 1; i >= first; --i) {
            bool last = i + 1 == n_steps;
            bool alias = !last && in_place(steps[i + 1]);
            deltas[i] = alias ? deltas[i + 1] : batch(steps[i].out.size(), i + 1 < n_chunked);
        }
        for (const Table& table : program.tables) {
            levels.emplace_back(batch_size);
            last_steps.emplace_back(table.width ? table.n_levels : 0);
        }
        allocate_scratch();
    }

    Batch<T> batch(Index size, bool passing) {
        Index samples = passing ? chunk * team.size() : batch_size;
        return {allocate(samples * size), size, passing ? chunk : 0};
    }

    void allocate_scratch() {
        Index panel = 0, packed = 0, strip = 0, turned = 0, gradients = 0;
        for (Index i = 0; i < n_steps; ++i) {
            const Step& s = steps[i];
            if (s.kind == DENSE) {
                panel = std::max({panel, s.in.size(), s.out.c});
                packed = std::max(packed, packed_gradient_size<T>(batch_size, s.out.c));
                strip = std::max(strip, strip_rows(s.out.c) * s.out.c);
                if (program.n_multiplied(i) < s.in.size()) strip = std::max(strip, strip_levels(s.out.c) * s.out.c);
            } else if (s.kind == CONVOLUTION) {
                packed = std::max(packed, s.out.pixels() * tile_columns<T>);
                turned = std::max(turned, weight_size(s));
                own_place[i] = gradients;
                gradients += n_groups * (weight_size(s) + s.out.c);
                strip = std::max(strip, std::max(weight_size(s), s.out.c));
            }
            strip = std::max(strip, s.out.c);
        }
        group_gradients = Array<T>(gradients);
        for (Thread& t : threads) {
            t.numbers.resize(batch_size);
            t.panel = Array<T>(panel * tile_columns<T>);
            t.packed = Array<T>(packed);
            t.strip = Array<T>(strip);
            t.turned = Array<T>(turned);
            for (Index i = 0; i < n_steps; ++i) {
                const Step& s = steps[i];
                bool convolves = s.kind == CONVOLUTION;
                Index turned_size = convolves && i > first ? packed_size<T>(s.kh * s.kw * s.out.c, s.in.c) : 0;
                t.padded_images.emplace_back(convolves ? windows[i].padded_size(s) : 0);
                t.spread_gradients.emplace_back(turned_size ? windows[i].spread_size(s) : 0);
                t.filters.emplace_back(convolves ? packed_size<T>(windows[i].n_values, s.out.c) : 0);
                t.turned_filters.emplace_back(turned_size);
                t.biases.emplace_back(convolves ? packed_size<T>(1, s.out.c) : 0);
            }
        }
    }

    void list_items() {
        for (Index i = first; i < n_steps; ++i) {
            const Step& s = steps[i];
            if (s.kind == DENSE) {
                Index rows = strip_rows(s.out.c), n_multiplied = program.n_multiplied(i);
                for (Index j = 0; j < n_multiplied; j += rows) {
                    Index n = std::min(rows, n_multiplied - j);
                    items.push_back({STRIP, i, s.weight + j * s.out.c, n * s.out.c, j, n});
                    ++n_strips;
                }
                if (n_multiplied < s.in.size()) list_one_hot_items(i, s.weight + n_multiplied * s.out.c);
                items.push_back({BIAS, i, s.bias, s.out.c, 0, 0});
            } else if (s.kind == CONVOLUTION) {
                items.push_back({SUM_OF_GROUPS, i, s.weight, weight_size(s), 0, 0});
                items.push_back({SUM_OF_GROUPS, i, s.bias, s.out.c, weight_size(s), 0});
            } else if (s.kind == EMBEDDING) {
                for (Index k = 0; k < Index(program.tables.size()); ++k)
                    if (program.tables[k].width) items.push_back({ROWS, i, program.tables[k].first, 0, k, 0});
            } else if (s.kind == BATCH_NORM) {
                items.push_back({READY, i, s.weight, s.in.c, 0, 0});
                items.push_back({READY, i, s.bias, s.in.c, 0, 0});
            }
        }
        item_sums.resize(items.size());
        touched.resize(items.size());
        deal_items();
    }

    // `offset` is that of the weights of all one-hot columns.
    void list_one_hot_items(Index i, Index offset) {
        Index n_units = steps[i].out.c, at_once = strip_levels(n_units);
        for (Index k = 0; k < Index(program.tables.size()); ++k) {
            Index n_levels = program.tables[k].n_one_hot();
            for (Index level = 0; level < n_levels; level += at_once) {
                Index n = std::min(at_once, n_levels - level);
                items.push_back({ONE_HOT, i, offset + level * n_units, n * n_units, k, level});
            }
            offset += n_levels * n_units;
        }
    }

    void deal_items() {
        for (int thread = 0; thread < team.size(); ++thread) next_items[thread] = thread;
    }

    // A batch, and the part of it that belongs to one thread.
    struct Rows {
        const Index* numbers;  // indices of the rows; null: consecutive rows from `begin` on
        Index begin, n;        // of the whole batch
        Index first_group, end_group, from, to;  // groups of this thread, and their samples
        double total_weight;
        const Index* next;  // indices of the rows of the next batch, or null
        Index n_next;
        Index number(Index i) const { return numbers ? numbers[i] : begin + i; }
        Index start_of(Index group) const { return n * group / n_groups; }
    };

    void train(int thread, Run& run, const Samples<T>& samples) {
        Draws draws = run.draws;
        Index n_updates = run.n_updates;
        for (Index begin = 0; begin < run.n_rows; begin += run.batch_size, ++draws.step) {
            Index n = std::min(run.batch_size, run.n_rows - begin);
            Rows rows{run.order ? run.order + begin : nullptr, begin, n,
                      n_groups * thread / team.size(), n_groups * (thread + 1) / team.size(),
                      0, 0, double(n), nullptr, 0};
            rows.from = rows.start_of(rows.first_group);
            rows.to = rows.start_of(rows.end_group);
            if (samples.weights) {
                rows.total_weight = 0;
                for (Index i = 0; i < n; ++i) rows.total_weight += samples.weights[rows.number(i)];
            }
            if (rows.total_weight == 0) continue;
            ++n_updates;
            bool last = begin + n == run.n_rows;
            rows.next = run.order && !last ? run.order + begin + n : nullptr;
            rows.n_next = std::min(run.batch_size, run.n_rows - begin - n);
            step(thread, run, samples, rows, draws, n_updates, last);
            if (thread == 0) {  // after a barrier of the step, so every thread has begun with the old value
                run.weight_sum += rows.total_weight;
                run.n_updates = n_updates;
            }
        }
    }

    void step(int thread, Run& run, const Samples<T>& samples, const Rows& rows, const Draws& draws,
              Index n_updates, bool last) {
        const T* x = gather(rows, samples);
        begin_step(thread, rows);
        for (Index i = rows.from; i < rows.to; i += chunk)
            for (Index s = 0; s < n_chunked; ++s)
                forward(thread, s, x, samples, rows, i, std::min(chunk, rows.to - i), draws);
        for (Index s = n_chunked; s < n_steps; ++s)
            forward(thread, s, x, samples, rows, rows.from, rows.to - rows.from, draws);
        take_losses(samples, rows, row_losses[n_updates % 2]);
        for (Index s = n_steps - 1; s >= std::max(n_chunked, first); --s)
            backward(thread, s, x, rows, rows.from, rows.to - rows.from);
        for (Index i = rows.from; i < rows.to; i += chunk)
            for (Index s = n_chunked - 1; s >= first; --s)
                backward(thread, s, x, rows, i, std::min(chunk, rows.to - i));
        finish_step(thread, run, samples, rows, x, n_updates, last);
    }

    // Return the batch as a contiguous matrix, with the rows of this thread copied into it if the
    // batch is shuffled; null for sparse rows.
    const T* gather(const Rows& rows, const Samples<T>& samples) {
        if (samples.is_sparse) return nullptr;
        Index n = program.n_inputs();
        if (!rows.numbers) return samples.X + rows.begin * n;
        for (Index i = rows.from; i < rows.to; ++i)
            copy_few(samples.X + rows.numbers[i] * n, n, input + i * n);
        return input;
    }

    void begin_step(int thread, const Rows& rows) {
        Thread& t = threads[thread];
        t.packed_step = -1;
        t.n_fetched = rows.n_next * thread / team.size();
        for (Index i = 0; i < n_steps; ++i) {
            const Step& s = steps[i];
            if (s.kind != CONVOLUTION) continue;
            pack(theta + s.weight, s.out.c, 1, windows[i].n_values, s.out.c, t.filters[i].data());
            std::copy_n(theta + s.bias, s.out.c, t.biases[i].data());
            if (i > first) pack_turned(s, theta + s.weight, t.turned.data(), t.turned_filters[i].data());
        }
    }

    // The input of step `i`: rows of the batch, or the output of the previous step.
    const T* input_of(int thread, Index i, const T* x, Index row) const {
        if (i) return values[i - 1].at(thread, row);
        return x + row * program.n_inputs();
    }

    void forward(int thread, Index i, const T* batch_x, const Samples<T>& samples, const Rows& rows,
                 Index row, Index n, const Draws& draws) {
        const Step& s = steps[i];
        Thread& t = threads[thread];
        T* y = values[i].at(thread, row);
        if (s.kind == DENSE && !i && samples.is_sparse) {
            for (Index k = 0; k < n; ++k) t.numbers[k] = rows.number(row + k);
            return sparse_forward(samples.sparse, t.numbers.data(), n, s.out.c, theta + s.weight,
                                  theta + s.bias, y);
        }
        const T* x = input_of(thread, i, batch_x, row);
        switch (s.kind) {
            case DENSE:
                return dense_step_forward(program, i, x, n, theta, levels, row, y, t.panel.data(), t.picked);
            case CONVOLUTION:
                return convolution_forward(s, windows[i], x, n, t.filters[i].data(), t.biases[i].data(),
                                           y, t.padded_images[i].data());
            case ACTIVATION:
                return activate(s.option, y, extras[i].at(thread, row), n * s.out.size());
            case MAX_POOL: return max_pool_forward(s, x, n, y, places[i].at(thread, row));
            case AVERAGE_POOL: return average_pool_forward(s, x, n, y);
            case GLOBAL_AVERAGE_POOL: return global_average_forward(s, x, n, y);
            case BATCH_NORM: return batch_norm_forward(thread, i, x, rows, n, y);
            case EMBEDDING:
                read_levels(program.tables, x, n, s.in.c, levels, row);
                fetch_rows(row, n);
                return embedding_forward(program.tables, x, n, s.in.c, s.out.c, theta,
                                         !program.adds_rows(), y, levels, row);
            case DROPOUT:
                return dropout_forward(draws, s.layer, s.amount, row, n, s.in.size(), x, y,
                                       extras[i].at(thread, row));
            default:
                return noise_forward(draws, s.layer, s.amount, row, n, s.in.size(), x, y);
        }
    }

    void take_losses(const Samples<T>& samples, const Rows& rows, std::vector<double>& losses) {
        Index n_outputs = program.n_outputs(), from = rows.from;
        const T* z = values[n_steps - 1].data + from * n_outputs;
        T* g = deltas[n_steps - 1].data + from * n_outputs;
        auto target = [&](Index i) { return samples.y + rows.number(from + i) * n_outputs; };
        for (Index i = from; i < rows.to; ++i) losses[i] = 0;
        for (const Head& head : program.heads)
            add_losses(head, z, g, rows.to - from, n_outputs, target, losses.data() + from);
        for (Index i = from; i < rows.to; ++i, g += n_outputs) {
            double weight = samples.weights ? double(samples.weights[rows.number(i)]) : 1;
            T share = T(weight / rows.total_weight);
            losses[i] *= weight;
            for (Index k = 0; k < n_outputs; ++k) g[k] *= share;
        }
    }

    void backward(int thread, Index i, const T* batch_x, const Rows& rows, Index row, Index n) {
        const Step& s = steps[i];
        Thread& t = threads[thread];
        T* dy = deltas[i].at(thread, row);
        T* dx = i > first ? deltas[i - 1].at(thread, row) : nullptr;
        const T* x = batch_x || i ? input_of(thread, i, batch_x, row) : nullptr;
        switch (s.kind) {
            case DENSE:
                if (dx)
                    dense_input_gradient(dy, n, s.in.size(), s.out.c, theta + s.weight,
                                         first_with_gradient(i), program.n_multiplied(i), dx,
                                         t.panel.data());
                return;
            case CONVOLUTION: {
                add_filter_gradients(t, i, x, dy, rows, row, n);
                if (dx)
                    convolution_input_gradient(s, windows[i], dy, n, t.turned_filters[i].data(), dx,
                                               t.spread_gradients[i].data());
                return;
            }
            case ACTIVATION:
                return activate_backward(s.option, dy, values[i].at(thread, row),
                                         extras[i].at(thread, row), n * s.out.size());
            case MAX_POOL: return max_pool_backward(s, dy, n, places[i].at(thread, row), dx);
            case AVERAGE_POOL: return average_pool_backward(s, dy, n, dx);
            case GLOBAL_AVERAGE_POOL: return global_average_backward(s, dy, n, dx);
            case BATCH_NORM: return batch_norm_backward(thread, i, x, rows, n, dy);
            case DROPOUT: {
                const T* factor = extras[i].at(thread, row);
                for (Index k = 0; k < n * s.out.size(); ++k) dy[k] *= factor[k];
                return;
            }
            default: return;
        }
    }

    // The first input of step `i` whose gradient is needed. The gradient of columns of X is not needed.
    Index first_with_gradient(Index i) const {
        while (i && steps[i - 1].kind == NOISE) --i;
        return i == 1 && steps[0].kind == EMBEDDING ? steps[0].in.c - Index(program.tables.size()) : 0;
    }

    // Add the gradients of a convolution's parameters for some samples to the sums of their groups.
    void add_filter_gradients(Thread& t, Index i, const T* x, const T* dy, const Rows& rows, Index row,
                              Index n) {
        const Step& s = steps[i];
        Index size = weight_size(s);
        for (Index group = rows.first_group; group < rows.end_group; ++group) {
            Index from = std::max(row, rows.start_of(group));
            Index to = std::min(row + n, rows.start_of(group + 1));
            if (from >= to) continue;
            bool begins = from == rows.start_of(group);
            T* sum = group_gradients.data() + own_place[i] + group * (size + s.out.c);
            const T* dy_rows = dy + (from - row) * s.out.size();
            convolution_weight_gradient(s, windows[i], x + (from - row) * s.in.size(), dy_rows, to - from,
                                        begins, sum, t.padded_images[i].data(), t.packed.data());
            if (begins) std::fill_n(sum + size, s.out.c, T(0));
            add_rows(dy_rows, (to - from) * s.out.pixels(), s.out.c, sum + size);
        }
    }

    // `sums_of` returns one of four sums over a group for each channel. `numbers_of` returns one of
    // four arrays of a thread with one value per channel.
    double* sums_of(Index i, Index group, int which) {
        return statistics[i].data() + (which * n_groups + group) * steps[i].in.c;
    }
    T* numbers_of(Index i, int thread, int which) {
        return channel_numbers[i].data() + (thread * 4 + which) * steps[i].in.c;
    }
    double total(Index i, int which, Index channel) {
        double sum = 0;
        for (Index group = 0; group < n_groups; ++group) sum += sums_of(i, group, which)[channel];
        return sum;
    }

    // Call f(group, offset, n) for each group of this thread, where `offset` is the offset of the
    // group in the data of the thread and `n` is its number of pixels.
    template <class F>
    void each_group(const Rows& rows, const Step& s, F f) {
        for (Index group = rows.first_group; group < rows.end_group; ++group) {
            Index from = rows.start_of(group), n = rows.start_of(group + 1) - from;
            f(group, (from - rows.from) * s.in.size(), n * s.in.pixels());
        }
    }

    void batch_norm_forward(int thread, Index i, const T* x, const Rows& rows, Index n, T* y) {
        const Step& s = steps[i];
        Index c = s.in.c, all = rows.n * s.in.pixels();
        T *mean = numbers_of(i, thread, 0), *factor = numbers_of(i, thread, 1);
        T* variances = numbers_of(i, thread, 2);
        each_group(rows, s, [&](Index group, Index offset, Index n_pixels) {
            sum_channels(x + offset, n_pixels, c, sums_of(i, group, 0));
        });
        team.barrier();
        for (Index j = 0; j < c; ++j) mean[j] = T(total(i, 0, j) / double(all));
        each_group(rows, s, [&](Index group, Index offset, Index n_pixels) {
            sum_squares(x + offset, mean, n_pixels, c, sums_of(i, group, 1));
        });
        team.barrier();
        for (Index j = 0; j < c; ++j) {
            double variance = total(i, 1, j) / double(all);
            variances[j] = T(variance + s.epsilon);
            factor[j] = theta[s.weight + j] / std::sqrt(variances[j]);
            if (thread == 0 && all > 1) {
                T &running = state[s.mean + j], &spread = state[s.variance + j];
                running = T((1 - s.amount) * running + s.amount * mean[j]);
                spread = T((1 - s.amount) * spread + s.amount * variance * double(all) / double(all - 1));
            }
        }
        normalize(x, mean, factor, theta + s.bias, n * s.in.pixels(), c, y);
    }

    void batch_norm_backward(int thread, Index i, const T* x, const Rows& rows, Index n, T* dy) {
        const Step& s = steps[i];
        Index c = s.in.c, all = rows.n * s.in.pixels();
        const T *mean = numbers_of(i, thread, 0), *factor = numbers_of(i, thread, 1);
        T *variances = numbers_of(i, thread, 2), *mean_dy = numbers_of(i, thread, 3);
        each_group(rows, s, [&](Index group, Index offset, Index n_pixels) {
            sum_channels(dy + offset, n_pixels, c, sums_of(i, group, 2));
            sum_products(x + offset, mean, dy + offset, n_pixels, c, sums_of(i, group, 3));
        });
        team.barrier();
        for (Index j = 0; j < c; ++j) {
            double of_dy = total(i, 2, j), of_products = total(i, 3, j);
            if (thread == 0) {
                gradient[s.bias + j] = T(of_dy);
                gradient[s.weight + j] = T(of_products / std::sqrt(double(variances[j])));
            }
            mean_dy[j] = T(of_dy / double(all));
            variances[j] = T(of_products / double(variances[j]) / double(all));  // projection
        }
        normalize_backward(dy, x, mean, factor, mean_dy, variances, n * s.in.pixels(), c);
    }

    static void add_rows(const T* x, Index n_rows, Index n_columns, T* sum) {
        for (Index i = 0; i < n_rows; ++i)
            for (Index j = 0; j < n_columns; ++j) sum[j] += x[i * n_columns + j];
    }

    // Compute the gradients of all parameters and update the parameters.
    void finish_step(int thread, Run& run, const Samples<T>& samples, const Rows& rows, const T* x,
                     Index n_updates, bool last) {
        bool clips = run.max_norm < std::numeric_limits<double>::infinity();
        bool at_once = run.updates && !clips;
        bool measures = clips || (last && run.measure_norm);
        Optimizer optimizer = optimizer_of(run, n_updates);
        Penalty penalty{run.alpha * (1 - run.l1_ratio) / rows.total_weight,
                        run.alpha * run.l1_ratio / rows.total_weight};
        team.barrier();
        if (samples.is_sparse) sparse_gradient(thread, samples, rows);
        // A thread first takes its own items, whose parameters are in its cache, and then the items
        // that other threads have not taken yet.
        for (int other = 0; other < team.size(); ++other) {
            std::atomic<Index>& next = next_items[(thread + other) % team.size()];
            for (Index i = next.fetch_add(team.size()); i < Index(items.size()); i = next.fetch_add(team.size()))
                take_item(thread, i, x, samples, rows, penalty, at_once ? &optimizer : nullptr, measures);
        }
        team.barrier();
        if (thread == 0) {
            deal_items();
            record(run, rows, row_losses[n_updates % 2], penalty, measures);
        }
        if (clips) {
            team.barrier();  // from here on the norm is known
            clip(thread, run, optimizer);
            team.barrier();  // the next forward pass reads all weights
        }
    }

    // Compute the gradient of the first weights for sparse rows. Each thread computes some columns.
    void sparse_gradient(int thread, const Samples<T>& samples, const Rows& rows) {
        const Step& s = steps[0];
        Index size = weight_size(s), from = size * thread / team.size();
        T* weights = gradient + s.weight;
        std::fill_n(weights + from, size * (thread + 1) / team.size() - from, T(0));
        std::vector<Index>& numbers = threads[thread].numbers;
        for (Index k = 0; k < rows.n; ++k) numbers[k] = rows.number(k);
        team.barrier();
        sparse_weight_gradient(samples.sparse, numbers.data(), rows.n, s.out.c,
                               s.out.c * thread / team.size(), s.out.c * (thread + 1) / team.size(),
                               deltas[0].data, weights);
        team.barrier();
    }

    void take_item(int thread, Index number, const T* x, const Samples<T>& samples, const Rows& rows,
                   const Penalty& penalty, const Optimizer* optimizer, bool measures) {
        const Item& item = items[number];
        if (item.part == ROWS) return take_rows(number, rows, optimizer, measures);
        const Step& s = steps[item.step];
        Thread& t = threads[thread];
        T* g = optimizer ? t.strip.data() : gradient + item.offset;
        const T* dy = deltas[item.step].data;
        switch (item.part) {
            case STRIP:
                if (samples.is_sparse && item.step == 0) {
                    g = gradient + item.offset;
                    break;
                }
                if (t.packed_step != item.step) {
                    pack_output_gradient(dy, rows.n, s.out.c, t.packed.data());
                    t.packed_step = item.step;
                }
                fetch_ahead(t, samples, rows);
                dense_strip(input_of(0, item.step, x, 0), dy, t.packed.data(), rows.n, s.in.size(),
                            s.out.c, item.first, item.rows, g);
                break;
            case ONE_HOT:
                one_hot_gradient(levels[item.first].data(), rows.n, s.out.c, dy, item.rows,
                                 item.size / s.out.c, g, t.ends, t.picked);
                break;
            case BIAS: sum_rows(dy, rows.n, s.out.c, g); break;
            case SUM_OF_GROUPS:
                std::fill_n(g, item.size, T(0));
                for (Index group = 0; group < n_groups; ++group) {
                    if (rows.start_of(group) == rows.start_of(group + 1)) continue;
                    Index place = own_place[item.step] + group * (weight_size(s) + s.out.c) + item.first;
                    const T* of_group = group_gradients.data() + place;
                    for (Index k = 0; k < item.size; ++k) g[k] += of_group[k];
                }
                break;
            default: g = gradient + item.offset;
        }
        SubnormalsAreZero guard;
        Sums sums;
        bool weights = item.offset < program.n_weights;
        bool later = weights && optimizer && !measures && adds_penalty(*optimizer, penalty);
        if (weights && !later) add_penalty(penalty, theta + item.offset, g, item.size, sums);
        if (measures) sums.squares = sum_of_squares(g, item.size);
        if (optimizer) {
            double squares = update(*optimizer, theta + item.offset, g, m ? m + item.offset : nullptr,
                                    v ? v + item.offset : nullptr, item.size, weights, later ? penalty.l2 : 0);
            if (later) sums.weights_2 = squares;
        }
        item_sums[number] = sums;
    }

    // Compute the gradients of the levels of a table, and update them. Only levels that occur in the
    // batch are updated.
    void take_rows(Index number, const Rows& rows, const Optimizer* optimizer, bool measures) {
        const Item& item = items[number];
        const Table& table = program.tables[item.first];
        std::vector<Index>& last_step = last_steps[item.first];
        std::vector<std::int32_t>& own = touched[number];
        Index n_outputs = steps[0].out.c, column = steps[0].in.c - Index(program.tables.size());
        for (Index k = 0; k < item.first; ++k) column += program.tables[k].width;
        own.clear();
        for (Index i = 0; i < rows.n; ++i) {
            std::int32_t level = levels[item.first][i];
            if (level < 0) continue;
            T* g = gradient + table.first + level * table.width;
            const T* dy = deltas[0].data + i * n_outputs + column;
            if (last_step[level] == n_batches) {
                add_few(dy, table.width, g);
            } else {
                last_step[level] = n_batches;
                own.push_back(level);
                copy_few(dy, table.width, g);
            }
        }
        Sums sums;
        if (measures)
            for (std::int32_t level : own)
                sums.squares += sum_of_squares(gradient + table.first + level * table.width, table.width);
        item_sums[number] = sums;
        if (optimizer) update_rows(number, *optimizer);
    }

    // Prefetch the vectors of some rows' levels, and what their updates need. Tables may be larger than
    // the caches.
    void fetch_rows(Index row, Index n) {
        for (std::size_t k = 0; k < program.tables.size(); ++k) {
            const Table& table = program.tables[k];
            for (Index i = row; i < row + n && table.width; ++i) {
                Index first = table.first + std::max(levels[k][i], 0) * table.width;
                for (const T* vector : {theta, gradient, m, v})
                    if (vector) {
                        SKNEURAL_PREFETCH(vector + first);
                        SKNEURAL_PREFETCH(vector + first + table.width - 1);
                    }
            }
        }
    }

    void update_rows(Index number, const Optimizer& optimizer) {
        SubnormalsAreZero guard;
        const Table& table = program.tables[items[number].first];
        for (std::int32_t level : touched[number]) {
            Index place = table.first + level * table.width;
            update(optimizer, theta + place, gradient + place, m ? m + place : nullptr,
                   v ? v + place : nullptr, table.width, false);
        }
    }

    // Prefetch some rows of the next batch. They are loaded while this thread multiplies.
    void fetch_ahead(Thread& t, const Samples<T>& samples, const Rows& rows) {
        if (!rows.next || samples.is_sparse) return;
        Index share = (rows.n_next + n_strips - 1) / n_strips, row_size = program.n_inputs();
        Index end = std::min(rows.n_next, t.n_fetched + share);
        for (; t.n_fetched < end; ++t.n_fetched) {
            const T* row = samples.X + rows.next[t.n_fetched] * row_size;
            for (Index k = 0; k < row_size; k += align / Index(sizeof(T))) SKNEURAL_PREFETCH(row + k);
        }
    }

    void record(Run& run, const Rows& rows, const std::vector<double>& losses, const Penalty& penalty,
                bool measures) {
        ++n_batches;
        Sums sums;
        for (const Sums& of_item : item_sums) {
            sums.squares += of_item.squares;
            sums.weights_2 += of_item.weights_2;
            sums.weights_1 += of_item.weights_1;
        }
        // Kahan summation, because L-BFGS compares losses to the last digits
        double loss = 0, error = 0;
        for (Index i = 0; i < rows.n; ++i) {
            double term = losses[i] - error, sum = loss + term;
            error = (sum - loss) - term;
            loss = sum;
        }
        loss /= rows.total_weight;
        loss += penalty.l2 / 2 * sums.weights_2 + penalty.l1 * sums.weights_1;
        run.loss_sum += loss * rows.total_weight;
        if (measures) run.norm = std::sqrt(sums.squares);
    }

    void clip(int thread, const Run& run, const Optimizer& optimizer) {
        clip_part(thread, 0, program.n_weights, true, run, optimizer);
        clip_part(thread, program.embeddings_end(), program.n_params, false, run, optimizer);
        for (Index i = thread; i < Index(items.size()); i += team.size()) {
            if (items[i].part != ROWS) continue;
            const Table& table = program.tables[items[i].first];
            if (run.norm > run.max_norm)
                for (std::int32_t level : touched[i])
                    for (Index j = 0; j < table.width; ++j)
                        gradient[table.first + level * table.width + j] *= T(run.max_norm / run.norm);
            if (run.updates) update_rows(i, optimizer);
        }
    }

    void clip_part(int thread, Index first, Index end, bool weights, const Run& run,
                   const Optimizer& optimizer) {
        SubnormalsAreZero guard;
        Index n = end - first;
        Index from = first + n * thread / team.size(), to = first + n * (thread + 1) / team.size();
        if (run.norm > run.max_norm)
            for (Index i = from; i < to; ++i) gradient[i] *= T(run.max_norm / run.norm);
        if (from < to && run.updates)
            update(optimizer, theta + from, gradient + from, m ? m + from : nullptr,
                   v ? v + from : nullptr, to - from, weights);
    }

    static Optimizer optimizer_of(const Run& run, Index n_updates) {
        Optimizer o{run.optimizer, run.rate, run.first, run.second, run.epsilon,
                    run.rate * run.decay, run.nesterov};
        double root = 1;
        if (o.kind == ADAM) {  // m and v are discounted sums; these factors turn them into averages
            double t = double(n_updates);
            root = std::sqrt((1 - o.second) / (1 - std::pow(o.second, t)));
            o.rate *= (1 - o.first) / (1 - std::pow(o.first, t));
        } else if (o.kind == RMSPROP) {
            root = std::sqrt(1 - o.first);
        }
        o.rate /= root;
        o.epsilon /= root;
        return o;
    }
};

}  // namespace skneural
