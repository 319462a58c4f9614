#!/bin/sh
# The compiled engine makes no bad access, has no undefined behaviour and no data race: its test
# program under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer, at every SIMD
# level that this CPU can run.
#
#     tests/robustness/sanitizers.sh
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# the flags of the extension modules, with less optimization so that reports name their lines
flags=$(sed -n '/^UNIX_FLAGS/,/^]/s/.*"\(-[^"]*\)".*/\1/p' setup.py)

run() { # level, sanitizers, flags of the level
    level=$1 sanitizers=$2
    shift 2
    # shellcheck disable=SC2086 # the flags are words
    "${CXX:-g++}" $flags -O1 -g -Werror "$@" "-fsanitize=$sanitizers" -fno-sanitize-recover=all \
        -fno-omit-frame-pointer -Iskneural/_engine/native tests/robustness/engine_test.cpp \
        -o "$folder/engine_test"
    # ThreadSanitizer of GCC 12 does not know all memory layouts of newer kernels
    printf '%s, %s: ' "$level" "$sanitizers"
    setarch -R "$folder/engine_test"
}

for sanitizers in address,undefined thread; do
    run baseline $sanitizers
    if grep -qw avx2 /proc/cpuinfo; then
        run avx2 $sanitizers -mavx2 -mfma
    fi
    if grep -qw avx512vl /proc/cpuinfo; then
        run avx512 $sanitizers -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma
    fi
done
