"""Compare skneural with scikit-learn, hand-written PyTorch, skorch and JAX.

The first table compares times and memory. The second table shows how much slower fits become
when they share the cores with other work.

    python benchmarks [--only NAME ...] [--rounds 5] [--quick]

All libraries use the same data, mini-batches, solver and dtype, and run in turn. Each ratio is
the median of the time of the other library divided by the time of skneural, followed by its
goal. If two threads are allowed, each of the other libraries uses one or two threads, whichever
is faster. JAX runs in separate processes, because it reads the number of threads when it
starts. The environment variable SKNEURAL_MNIST is the path of an .npz file with the images and
labels of MNIST as X and y. If it is not set, random images of the same shape are used.
"""

import argparse
import platform
import shlex
import sys
from datetime import date
from functools import partial
from importlib import metadata

import busy
import fits
import predicting
import search
from _goals import least
from _harness import CONTESTANTS, in_turn, machine, print_table, rows, serve

HEADER = ["benchmark", "threads", "skneural", "of SGEMM peak"]
HEADER += [*(f"{peer} / ours" for peer in CONTESTANTS[1:]), "JAX compiles for"]


def versions():
    for package in ("skneural", "numpy", "scikit-learn", "torch", "skorch", "jax"):
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield f"{package} from here" if package == "skneural" else f"no {package}"


def lines(chosen, rounds, quick, peaks, simd_level):
    """Measure each benchmark, and yield its rows of the table."""
    for work in chosen:
        measured = in_turn(work, 1 if work.unit == "MB" else rounds, quick)
        goal = partial(least, work.name, simd_level=simd_level)
        yield from rows(work, measured, peaks, goal)


def main():
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="run the benchmarks whose names contain NAME"
    )
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)  # used by child processes
    args = parser.parse_args()
    works = [work for module in (fits, predicting, search) for work in module.works(args.quick)]
    if args.serve:
        name, contestant = args.serve
        serve(next(work for work in works if work.name == name), contestant)
        return
    sharing = list(busy.works(args.quick))
    names = ", ".join(work.name for work in (*works, *sharing))

    def chosen(some):
        return [w for w in some if not args.only or any(part in w.name for part in args.only)]

    works, sharing = chosen(works), chosen(sharing)
    if not (works or sharing):
        parser.error(
            f"no benchmark name contains {' or '.join(args.only)}; the names are {names}"
        )
    from skneural._engine.load import native

    simd_level = native.simd_level() if native else "no engine"
    rounds = 1 if args.quick else args.rounds
    peaks, line = machine()
    print(f"{date.today()}, `python {shlex.join(['benchmarks', *sys.argv[1:]])}`")
    print(f"{line} Compiled engine: {simd_level}.")
    print(f"Python {platform.python_version()}, {', '.join(versions())}.")
    if works:
        print()
        print_table(HEADER, lines(works, rounds, args.quick, peaks, simd_level))
    if sharing:
        print()
        print_table(busy.HEADER, busy.lines(sharing, rounds))


if __name__ == "__main__":
    main()
