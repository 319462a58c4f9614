"""Goals for the speed of the compiled engine, by benchmark and number of threads."""

from _harness import JAX, SKLEARN, TORCH

# Minimum ratios of the time of each library divided by that of skneural, and minimum shares of
# the SGEMM peak in percent. Pairs are the goals for AVX2 and for AVX-512.
LEAST = {
    ("mnist-sgd", 1): {SKLEARN: 2.4, TORCH: 2.1, JAX: 1.05, "peak": 80},
    ("mnist-sgd", 2): {SKLEARN: 3.6, TORCH: 3.0, JAX: 1.3},
    ("mnist-adam", 1): {SKLEARN: 3, TORCH: 2.2, "peak": 80},
    ("mnist-adam", 2): {SKLEARN: 4, TORCH: 2.5},
    ("wide-sgd", 1): {"peak": 80},
    ("wide-sgd", 2): {SKLEARN: 1.6, TORCH: 1.3, JAX: 1.1},
    ("wide-adam", 1): {"peak": 80},
    ("wide-adam", 2): {SKLEARN: 2.4, TORCH: 1.3},
    ("digits-sgd", 1): {SKLEARN: 12, TORCH: 20, JAX: 1.3},
    ("digits-adam", 1): {SKLEARN: 8, TORCH: 15, JAX: 1.3},
    ("convnet-28", 1): {TORCH: (2, 1.4), JAX: 1.5, "peak": 75},
    ("convnet-28", 2): {TORCH: (2, 1.4), JAX: 1.5},
    ("convnet-32", 1): {TORCH: (1.5, 1.15), JAX: 1.5, "peak": 75},
    ("convnet-32", 2): {TORCH: (1.5, 1.2), JAX: 1.5},
    ("search", 2): {SKLEARN: 8},
    ("predict", 2): {SKLEARN: 1.5, TORCH: 1.2},
    ("latency", 1): {SKLEARN: 3, TORCH: 1.2},
    ("sparse", 1): {SKLEARN: 3},
    ("memory", 1): {SKLEARN: 1, TORCH: 2, JAX: 2},
}
# Maximum factors by which a fit may become slower: while another process keeps all cores busy,
# and while another fit runs in a second Python thread.
MOST = {"busy": 2.2, "pair": 1.15}


def least(work, what, n_threads, simd_level):
    """Return the minimum ratio or share of the peak, or None if there is no goal."""
    goal = LEAST.get((work, n_threads), {}).get(what)
    if isinstance(goal, tuple):
        goal = dict(zip(("avx2", "avx512"), goal, strict=True)).get(simd_level)
    return goal
