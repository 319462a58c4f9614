// The compiled engine without Python, for sanitizers: randomly generated networks are trained and
// predict with 1 to 5 threads, and must give the same bits; programs with changed numbers must be
// refused or run without an access out of bounds. Built by sanitizers.sh and arm64.sh.
//
//     engine_test [NETWORKS [SEED]]

#include <cstdio>
#include <cstdlib>
#include <random>

#include "engine.h"

using namespace skneural;

std::mt19937_64 generator;

Index draw(Index least, Index most) {
    return std::uniform_int_distribution<Index>(least, most)(generator);
}

double normal() { return std::normal_distribution<double>()(generator); }

// Tables of a program, as Python writes them.
struct Tables {
    std::vector<Index> integers, heads, embeddings;
    std::vector<double> reals, head_reals;
    Index n_params = 0, n_weights = 0, n_state = 0, n_outputs = 0, n_inputs = 0;
    std::vector<Index> weights, others;  // places of offsets to be filled in, and their sizes

    void add(Index kind, Index option, Image in, Image out, std::vector<Index> windows = {},
             double amount = 0.1, double epsilon = 1e-5) {
        if (windows.empty()) windows = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
        Index layer = Index(reals.size()) / 2;
        for (Index x : {kind, option, in.h, in.w, in.c, out.h, out.w, out.c}) integers.push_back(x);
        integers.insert(integers.end(), windows.begin(), windows.end());
        for (Index x : {Index(0), Index(0), Index(0), Index(0), layer}) integers.push_back(x);
        reals.push_back(amount);
        reals.push_back(epsilon);
    }

    // Weights first, then all other parameters, as Network lays them out.
    void lay_out() {
        Index n_steps = Index(reals.size()) / 2;
        for (bool of_weights : {true, false}) {
            for (Index i = 0; i < n_steps; ++i) {
                Index* row = integers.data() + i * n_step_integers;
                Step s = read_step(row, reals.data() + 2 * i);
                if (of_weights && has_weight(s)) row[18] = place(n_params, weight_size(s));
                if (!of_weights && has_weight(s)) row[19] = place(n_params, s.out.c);
                if (!of_weights && s.kind == BATCH_NORM) {
                    for (Index j : {18, 19}) row[j] = place(n_params, s.in.c);
                    for (Index j : {20, 21}) row[j] = place(n_state, s.in.c);
                }
            }
            if (!of_weights) continue;
            n_weights = n_params;
            for (std::size_t k = 0; k < embeddings.size(); k += 3)
                embeddings[k] = place(n_params, embeddings[k + 1] * embeddings[k + 2]);
        }
    }

    static Index place(Index& end, Index size) {
        end += size;
        return end - size;
    }

    Program program() const {
        return make_program(integers.data(), reals.data(), Index(reals.size()) / 2, heads.data(),
                            head_reals.data(), Index(head_reals.size()) / n_head_reals,
                            embeddings.data(), Index(embeddings.size()) / 3, n_params, n_weights, n_state);
    }
};

Index windows_on(Index length, Index padding, Index size, Index stride, Index dilation) {
    return (length + 2 * padding - ((size - 1) * dilation + 1)) / stride + 1;
}

Image add_windows(Tables& t, Index kind, Image in) {
    Index k[2], s[2], d[2], p[2];
    for (int axis = 0; axis < 2; ++axis) {
        Index length = axis ? in.w : in.h;
        k[axis] = draw(1, std::min<Index>(3, length));
        s[axis] = draw(1, 2);
        d[axis] = kind == CONVOLUTION && (k[axis] - 1) * 2 < length ? draw(1, 2) : 1;
        p[axis] = draw(0, kind == CONVOLUTION ? 2 : k[axis] / 2);
    }
    Image out{windows_on(in.h, p[0], k[0], s[0], d[0]), windows_on(in.w, p[1], k[1], s[1], d[1]),
              kind == CONVOLUTION ? draw(1, 20) : in.c};
    t.add(kind, draw(0, 1), in, out, {k[0], k[1], s[0], s[1], d[0], d[1], p[0], p[1], p[0], p[1]});
    return out;
}

void add_between(Tables& t, Image image) {
    if (draw(0, 4) == 0) t.add(BATCH_NORM, 0, image, image);
    if (draw(0, 2)) t.add(ACTIVATION, draw(0, N_ACTIVATIONS - 1), image, image);
    if (draw(0, 4) == 0) t.add(DROPOUT, 0, image, image, {}, 0.3);
}

// The last columns of X become rows of tables or one-hot columns.
Image add_embedding(Tables& t, Image in) {
    Image out = in;
    for (Index n = draw(1, std::min<Index>(3, in.c)); n > 0; --n) {
        Index width = draw(0, 2) ? draw(1, 20) : 0, n_levels = draw(1, draw(0, 4) ? 9 : 500);
        for (Index x : {Index(0), n_levels, width}) t.embeddings.push_back(x);
        out.c += (width ? width : n_levels) - 1;
    }
    t.add(EMBEDDING, 0, in, out);
    return out;
}

Tables random_network() {
    Tables t;
    bool images = draw(0, 1);
    Image image = images ? Image{draw(1, 12), draw(4, 12), draw(1, 3)} : Image{1, 1, draw(1, 70)};
    if (!images && draw(0, 1)) image = add_embedding(t, image);
    t.n_inputs = t.embeddings.empty() ? image.size() : t.integers[4];
    if (draw(0, 9) == 0) t.add(NOISE, 0, image, image);
    for (Index n = images ? draw(0, 2) : 0; n > 0; --n) {
        image = add_windows(t, CONVOLUTION, image);
        add_between(t, image);
        if (draw(0, 1)) image = add_windows(t, draw(0, 1) ? MAX_POOL : AVERAGE_POOL, image);
    }
    if (images && draw(0, 3) == 0) {
        t.add(GLOBAL_AVERAGE_POOL, 0, image, {1, 1, image.c});
        image = {1, 1, image.c};
    }
    for (Index n = draw(0, 2); n > 0; --n) {
        Image out{1, 1, draw(1, 80)};
        t.add(DENSE, 0, image, out);
        image = out;
        add_between(t, image);
    }
    t.n_outputs = draw(1, 40);
    t.add(DENSE, 0, image, {1, 1, t.n_outputs});
    for (Index first = 0; first < t.n_outputs;) {
        Index columns = draw(1, t.n_outputs - first);
        Index kind = draw(0, N_LOSSES - 1), link = takes_links(kind) ? draw(0, N_LINKS - 1) : 0;
        for (Index x : {kind, first, columns, link}) t.heads.push_back(x);
        for (double x : {0.5, -1.0, 3.0}) t.head_reals.push_back(x);
        first += columns;
    }
    t.lay_out();
    return t;
}

template <class T>
std::vector<T> random_numbers(Index n, double scale) {
    std::vector<T> x(n);
    for (T& value : x) value = T(scale * normal());
    return x;
}

template <class T>
struct Data {
    std::vector<T> X, y, weights, values;
    std::vector<std::int32_t> columns, starts{0};
    std::vector<Index> order;
    RawSamples raw;

    Data(const Tables& t, Index n, bool weighted) {
        X = random_numbers<T>(n * t.n_inputs, 1);
        Index n_tables = Index(t.embeddings.size()) / 3;
        for (Index j = t.n_inputs - n_tables; j < t.n_inputs; ++j) {  // levels, and numbers that are none
            Index largest = draw(0, 4) ? 4 : 200;
            for (Index i = 0; i < n; ++i) X[i * t.n_inputs + j] *= T(largest);
        }
        y.resize(n * t.n_outputs);
        for (T& value : y) value = T(draw(0, 1));
        for (Index i = 0; i < n; ++i) {
            weights.push_back(T(draw(0, 2)));
            order.push_back(draw(0, n - 1));
            for (Index j = 0; j < t.n_inputs; ++j)
                if (draw(0, 2) == 0) {
                    values.push_back(T(normal()));
                    columns.push_back(std::int32_t(j));
                }
            starts.push_back(std::int32_t(values.size()));
        }
        bool sparse = t.integers[0] == DENSE && draw(0, 3) == 0;
        raw = {X.data(), values.data(), columns.data(), starts.data(), sparse, y.data(),
               weighted ? weights.data() : nullptr, n};
    }
};

// Train for two epochs and predict; return all numbers that came of it.
template <class T>
std::vector<T> results(const Program& program, const Tables& t, const Data<T>& data, Run run,
                       const std::vector<T>& start, int n_threads) {
    bool is_double = sizeof(T) == sizeof(double);
    std::unique_ptr<AnyTraining> training(make_training(program, is_double, run.batch_size, n_threads));
    std::vector<T> theta = start, m(start.size()), v(start.size()), gradient(start.size());
    std::vector<T> state(t.n_state, T(1)), raw(data.raw.n_samples * t.n_outputs);
    for (int epoch = 0; epoch < 2; ++epoch)
        training->run(run, data.raw, theta.data(), state.data(), m.data(), v.data(), gradient.data());
    predict(program, is_double, draw(1, 9), n_threads, data.raw, theta.data(), state.data(), raw.data());
    for (const std::vector<T>* more : {&state, &raw}) theta.insert(theta.end(), more->begin(), more->end());
    for (double x : {run.loss_sum, run.weight_sum, run.norm}) theta.push_back(T(x));
    return theta;
}

template <class T>
int failures_of(const Tables& t, const Program& program, Index most, std::vector<int> threads) {
    Data<T> data(t, draw(1, most), draw(0, 1));
    Run run{};
    run.order = draw(0, 2) ? data.order.data() : nullptr;
    run.n_rows = data.raw.n_samples;
    run.batch_size = draw(1, most + 10);
    run.optimizer = draw(0, N_OPTIMIZERS - 1);
    run.rate = 1e-3;
    run.first = 0.9;
    run.second = 0.99;
    run.epsilon = 1e-8;
    run.decay = 0.01;
    run.alpha = 0.1;
    run.l1_ratio = draw(0, 1) * 0.5;
    run.max_norm = draw(0, 2) ? std::numeric_limits<double>::infinity() : 0.1;
    run.measure_norm = true;
    run.updates = draw(0, 5) > 0;
    std::vector<T> start = random_numbers<T>(t.n_params, 0.3), expected;
    int failures = 0;
    for (int n_threads : threads) {
        std::vector<T> found = results(program, t, data, run, start, n_threads);
        for (T& value : found)  // of a network that diverges; the sign of NaN means nothing
            if (value != value) value = std::numeric_limits<T>::quiet_NaN();
        if (n_threads == 1) expected = found;
        if (std::memcmp(found.data(), expected.data(), found.size() * sizeof(T))) {
            std::printf("other bits with %d threads\n", n_threads);
            ++failures;
        }
    }
    return failures;
}

// One number of the tables is changed: the program is refused, or it runs.
int mutate(Tables t) {
    const Index values[] = {-1, 0, 1, 2, 3, 100, Index(1) << 31, Index(1) << 40, Index(1) << 62,
                            std::numeric_limits<Index>::min(), std::numeric_limits<Index>::max()};
    bool of_embeddings = !t.embeddings.empty() && draw(0, 3) == 0;
    std::vector<Index>& table = of_embeddings ? t.embeddings : draw(0, 5) ? t.integers : t.heads;
    Index& number = table[draw(0, Index(table.size()) - 1)];
    number = draw(0, 2) ? values[draw(0, 10)] : number + draw(-2, 2);
    try {
        Program program = t.program();
        if (program.n_inputs() != t.n_inputs || program.largest() > 100000) return 0;
        failures_of<float>(t, program, 50, {1});  // its layers may share parameters now
        return 0;
    } catch (const std::invalid_argument&) {
        return 1;
    }
}

int main(int n_arguments, char** arguments) {
    int n_networks = n_arguments > 1 ? std::atoi(arguments[1]) : 100;
    generator.seed(n_arguments > 2 ? std::atoi(arguments[2]) : 0);
    int failures = 0, refused = 0;
    for (int i = 0; i < n_networks; ++i) {
        Tables t = random_network();
        Program program = t.program();
        Index most = draw(0, 9) ? 50 : 3000;  // dense layers divide batches of more than 1024 rows
        failures += draw(0, 1) ? failures_of<float>(t, program, most, {1, 2, 3, 5})
                               : failures_of<double>(t, program, most, {1, 2, 3, 5});
        for (int j = 0; j < 20; ++j) refused += mutate(t);
    }
    std::printf("%d networks, %d failures; %d of %d changed programs refused\n", n_networks, failures,
                refused, 20 * n_networks);
    return failures != 0;
}
