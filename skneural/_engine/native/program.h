// A network as a list of steps, with sizes and offsets into the flat parameters. Python passes it as
// two tables, which are not used before `check_program` has validated them.
#pragma once

#include <string>
#include <vector>

#include "activations.h"
#include "embedding.h"
#include "losses.h"

namespace skneural {

enum StepKind : Index {
    DENSE, CONVOLUTION, ACTIVATION, MAX_POOL, AVERAGE_POOL, GLOBAL_AVERAGE_POOL,
    BATCH_NORM, DROPOUT, NOISE, EMBEDDING, N_STEP_KINDS
};

struct Image {
    Index h, w, c;
    Index size() const { return h * w * c; }
    Index pixels() const { return h * w; }
};

// Both tables have one row per step, with the fields in this order.
struct Step {
    Index kind;
    Index option;              // the activation, or whether an average counts padding
    Image in, out;             // shapes of one sample
    Index kh, kw, sh, sw, dh, dw;  // windows: size, strides, dilation
    Index top, left, bottom, right;  // padding
    Index weight, bias;        // offsets of the parameters; of scale and shift for batch normalization
    Index mean, variance;      // offsets of the running statistics in the state
    Index layer;               // identifies the layer in the random number generator
    double amount;             // dropout rate, standard deviation of noise, or momentum of statistics
    double epsilon;            // for batch normalization
};

constexpr Index n_step_integers = 23, n_step_reals = 2;

inline Step read_step(const Index* i, const double* r) {
    return {i[0], i[1], {i[2], i[3], i[4]}, {i[5], i[6], i[7]}, i[8], i[9], i[10], i[11], i[12],
            i[13], i[14], i[15], i[16], i[17], i[18], i[19], i[20], i[21], i[22], r[0], r[1]};
}

inline bool has_weight(const Step& step) { return step.kind == DENSE || step.kind == CONVOLUTION; }
inline bool has_parameters(const Step& step) { return has_weight(step) || step.kind == BATCH_NORM; }
inline bool is_pool(const Step& step) { return step.kind == MAX_POOL || step.kind == AVERAGE_POOL; }
inline bool has_windows(const Step& step) { return is_pool(step) || step.kind == CONVOLUTION; }

inline bool has_own_output(const Step& step) {
    return step.kind != ACTIVATION && step.kind != DROPOUT && step.kind != NOISE;
}

inline Index weight_size(const Step& step) {
    if (step.kind == DENSE) return step.in.size() * step.out.c;
    return step.kind == CONVOLUTION ? step.kh * step.kw * step.in.c * step.out.c : step.out.c;
}

struct Program {
    std::vector<Step> steps;
    std::vector<Head> heads;
    std::vector<Table> tables;
    Index n_params, n_weights, n_state;

    Index n_inputs() const { return steps.front().in.size(); }
    Index n_outputs() const { return steps.back().out.size(); }
    // The embedding tables are stored one after another, after the weights.
    Index embeddings_end() const {
        return tables.empty() ? n_weights : tables.back().first + tables.back().size();
    }
    Index n_one_hot() const {
        Index n = 0;
        for (const Table& table : tables) n += table.n_one_hot();
        return n;
    }
    // Number of inputs of a dense step that are multiplied. One-hot columns are the last inputs, and the
    // step behind an embedding adds the rows of their ones instead.
    Index n_multiplied(Index i) const {
        bool adds_rows = i == 1 && steps[0].kind == EMBEDDING && steps[1].kind == DENSE;
        return steps[i].in.size() - (adds_rows ? n_one_hot() : 0);
    }
    bool adds_rows() const { return steps.size() > 1 && n_multiplied(1) < steps[1].in.size(); }
    // Whether a step has parameters. The first step has none if it only makes one-hot columns.
    bool learns(Index i) const {
        if (steps[i].kind == EMBEDDING) return embeddings_end() > n_weights;
        return has_parameters(steps[i]);
    }
    double flops() const {  // floating-point operations of the products of one sample's forward pass
        double flops = 0;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const Step& step = steps[i];
            Index added = step.in.size() - n_multiplied(Index(i));
            if (has_weight(step))
                flops += 2 * double(weight_size(step) - added * step.out.c) * double(step.out.pixels());
        }
        return flops;
    }
    bool takes_sparse() const { return steps.front().kind == DENSE; }
    Index largest() const {  // largest number of values of one sample between two steps
        Index largest = n_inputs();
        for (const Step& step : steps) largest = std::max(largest, step.out.size());
        return largest;
    }
};

// Checks of a program. Each returns a message if something is wrong, and an empty string otherwise.
constexpr Index largest_size = Index(1) << 31;

inline bool in_range(Index value, Index least, Index most) { return value >= least && value <= most; }

inline bool is_image(const Image& image) {
    return in_range(image.h, 1, largest_size) && in_range(image.w, 1, largest_size / image.h) &&
           in_range(image.c, 1, largest_size / image.pixels());
}

inline bool fits(Index offset, Index size, Index total) {
    return size >= 0 && size <= total && in_range(offset, 0, total - size);
}

inline bool windows_fit(Index length, Index before, Index after, Index size, Index stride,
                        Index dilation, Index n_windows) {
    constexpr Index most = 1 << 24;
    if (!in_range(length, 1, most) || !in_range(before, 0, most) || !in_range(after, 0, most) ||
        !in_range(size, 1, most) || !in_range(stride, 1, Index(1) << 62) || !in_range(dilation, 1, most))
        return false;
    Index left_over = length + before + after - ((size - 1) * dilation + 1);
    return left_over >= 0 && left_over / stride + 1 == n_windows;
}

inline std::string check_windows(const Step& s) {
    if (!windows_fit(s.in.h, s.top, s.bottom, s.kh, s.sh, s.dh, s.out.h) ||
        !windows_fit(s.in.w, s.left, s.right, s.kw, s.sw, s.dw, s.out.w))
        return "windows that do not fit on the image";
    if (is_pool(s) && (s.in.c != s.out.c || s.dh != 1 || s.dw != 1 || 2 * s.top > s.kh ||
                       2 * s.left > s.kw || 2 * s.bottom > s.kh || 2 * s.right > s.kw))
        return "a pool with other channels, dilation or too much padding";
    constexpr Index most = Index(1) << 40;  // values in a padded image
    if ((s.in.h + s.top + s.bottom) * (s.in.w + s.left + s.right) > most / std::max(s.in.c, s.out.c))
        return "too much padding";
    if (s.kw > largest_size / s.kh || s.in.c > largest_size / (s.kh * s.kw) ||
        s.out.c > largest_size / (s.kh * s.kw * s.in.c))
        return "windows that are too large";
    return "";
}

inline std::string check_step(const Program& program, const Step& s) {
    if (!in_range(s.kind, 0, N_STEP_KINDS - 1)) return "an unknown kind";
    if (!is_image(s.in) || !is_image(s.out)) return "a size below 1 or too large";
    if (has_windows(s)) {
        std::string wrong = check_windows(s);
        if (!wrong.empty()) return wrong;
    } else if (s.kind == DENSE) {
        if (s.out.pixels() != 1 || s.in.size() > largest_size / s.out.c) return "a wrong size";
    } else if (s.kind == GLOBAL_AVERAGE_POOL) {
        if (s.out.pixels() != 1 || s.out.c != s.in.c) return "a wrong size";
    } else if (s.kind == EMBEDDING) {
        Index n = s.in.c - Index(program.tables.size());
        for (const Table& table : program.tables) n += table.width + table.n_one_hot();
        if (s.in.pixels() != 1 || s.out.pixels() != 1 || s.in.c < Index(program.tables.size()) || s.out.c != n)
            return "a wrong size";
    } else if (s.in.size() != s.out.size() || s.in.c != s.out.c) {
        return "an output of another size than its input";
    }
    if (s.kind == ACTIVATION && !in_range(s.option, 0, N_ACTIVATIONS - 1))
        return "an unknown activation";
    if (s.kind == DROPOUT && !(s.amount >= 0 && s.amount < 1)) return "a rate outside [0, 1)";
    if (has_weight(s) && (!fits(s.weight, weight_size(s), program.n_weights) ||
                          !fits(s.bias, s.out.c, program.n_params) || s.bias < program.embeddings_end()))
        return "parameters outside of theta";
    if (s.kind == BATCH_NORM &&
        (!fits(s.weight, s.in.c, program.n_params) || !fits(s.bias, s.in.c, program.n_params) ||
         s.weight < program.embeddings_end() || s.bias < program.embeddings_end() ||
         !fits(s.mean, s.in.c, program.n_state) || !fits(s.variance, s.in.c, program.n_state)))
        return "parameters or statistics outside of theta or the state";
    return "";
}

inline std::string check_heads(const Program& program) {
    Index next = 0;
    for (const Head& head : program.heads) {
        if (!in_range(head.kind, 0, N_LOSSES - 1)) return "an unknown loss";
        if (!in_range(head.link, 0, takes_links(head.kind) ? N_LINKS - 1 : 0))
            return "a link that the loss does not know";
        if (head.first != next || !in_range(head.n_columns, 1, program.n_outputs() - next))
            return "a loss on columns that are not there";
        next += head.n_columns;
    }
    return next == program.n_outputs() ? "" : "outputs without a loss";
}

inline std::string check_tables(const Program& program) {
    Index next = program.n_weights;
    for (const Table& table : program.tables) {
        if (!in_range(table.width, 0, largest_size) || !in_range(table.n_levels, table.width ? 1 : 0, largest_size) ||
            table.n_levels > largest_size / std::max<Index>(1, table.width))
            return "a table of a wrong size";
        if (table.first != next || !fits(table.first, table.size(), program.n_params))
            return "a table that does not follow the parameters before it";
        next += table.size();
    }
    return "";
}

inline std::string check_program(const Program& program) {
    if (program.steps.empty()) return "no steps";
    if (!in_range(program.n_params, 0, Index(1) << 40) || !in_range(program.n_state, 0, Index(1) << 40) ||
        !in_range(program.n_weights, 0, program.n_params))
        return "negative sizes";
    bool embeds = program.steps[0].kind == EMBEDDING;
    if (embeds == program.tables.empty()) return "tables without an embedding, or one without tables";
    std::string bad_table = check_tables(program);
    if (!bad_table.empty()) return bad_table;
    bool learns = false;
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
        const Step& s = program.steps[i];
        std::string wrong = check_step(program, s);
        if (wrong.empty() && i && program.steps[i - 1].out.size() != s.in.size())
            wrong = "an input of another size than the output before";
        if (wrong.empty() && i && s.kind == EMBEDDING) wrong = "an embedding of what is not X";
        // An activation works in place. It would overwrite rows of X, or an output that the backward
        // pass needs.
        if (wrong.empty() && s.kind == ACTIVATION && !(i && has_own_output(program.steps[i - 1])))
            wrong = "an activation with no layer of its own before it";
        if (!wrong.empty()) return "step " + std::to_string(i) + " has " + wrong;
        learns = learns || program.learns(Index(i));
    }
    return learns ? check_heads(program) : "no step with parameters";
}

}  // namespace skneural
