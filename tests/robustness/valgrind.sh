#!/bin/sh
# The compiled engine, called from Python, reads and writes nothing that it should not: randomly
# generated networks with 1 to 3 threads under valgrind, which knows no AVX-512.
#
#     tests/robustness/valgrind.sh [PYTHON [NETWORKS]]
#
# What valgrind says of Python, NumPy or pandas alone does not count.
set -eu
cd "$(dirname "$0")/../.."
python=${1:-.venv/bin/python}
status=0
log=$(mktemp)
trap 'rm "$log"' EXIT

PYTHONPATH=.:tests PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 SKNEURAL_SIMD=${SKNEURAL_SIMD:-avx2} \
    valgrind --quiet --log-file="$log" --num-callers=25 "$python" -c '
import sys
import numpy as np
from _engine import NoInterrupt, raw_prediction, training_of
from _random_jobs import random_job
from skneural._engine import compiled
n_networks = int(sys.argv[1])
for seed in range(n_networks):
    compiled.team_size = lambda *arguments: 1 + seed % 3
    job = random_job(np.random.default_rng(seed), (np.float32, np.float64)[seed % 2])
    training = training_of("compiled", job)
    with np.errstate(all="ignore"):
        training.epoch(None, 0.01, NoInterrupt())
    training.close()
    raw_prediction("compiled", job.progress.network, job.X)
print(compiled.native.__name__, n_networks, "networks", end=": ")' "${2:-40}" || status=$?
# the frames of the engine are in a file of this folder
if grep -B 8 -A 25 _engine/native "$log" >&2; then
    exit 1
fi
[ "$status" = 0 ] || exit "$status"
echo "nothing reported"
