"""skneural against scikit-learn, PyTorch written by hand, and skorch: one table; then fits
beside a busy process, where the time of a step goes, and plain NumPy.

    python benchmarks [--only NAME ...] [--rounds 5] [--quick]

Same data, batches, solver, dtype (float32), in turn in one process; medians of the ratios
theirs / ours. With all cores each peer has the number of threads that suits it best, ours
decides for itself. SKNEURAL_MNIST names MNIST as an .npz file with X and y; without it
random numbers of its shape do the same work. Memory is the peak of a process of its own,
beyond the data, libraries included, and in brackets what the work added.
"""

import argparse
import platform
import shlex
import sys
from datetime import date
from importlib import metadata

import bare
import busy
import convnet
import mlp
import predicting
import search
import steps
from _harness import CONTESTANTS, in_turn, machine, peak_memory, peak_of_this_process, rows

HEADER = ["work", "threads", "skneural", "of SGEMM peak"]
HEADER += [f"{peer} / ours" for peer in CONTESTANTS[1:]]
HEADER += ["peak memory, MB: " + " / ".join(CONTESTANTS)]


def all_works(quick):
    for module in (mlp, convnet, predicting, search):
        yield from module.works(quick)


def versions():
    for package in ("skneural", "numpy", "scikit-learn", "torch", "skorch"):
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield f"{package} from here" if package == "skneural" else f"no {package}"


def main():
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="works whose name has this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)  # in a child
    args = parser.parse_args()
    works = list(all_works(args.quick))
    if args.peak_of:
        name, contestant = args.peak_of
        work = next(work for work in works if work.name == name)
        print("{:.0f} (+{:.0f})".format(*peak_of_this_process(work, contestant)))
        return
    # each kind has a table of its own
    others = {module: list(module.works(args.quick)) for module in (busy, steps, bare)}
    names = ", ".join(work.name for some in (works, *others.values()) for work in some)

    def chosen(some):
        return [w for w in some if not args.only or any(part in w.name for part in args.only)]

    works = chosen(works)
    others = {module: some for module, all_ in others.items() if (some := chosen(all_))}
    if not (works or others):
        parser.error(f"no work is called {' or '.join(args.only)}; there are {names}")
    peaks, line = machine()
    print(f"{date.today()}, `python {shlex.join(['benchmarks', *sys.argv[1:]])}`")
    print(f"{line} Python {platform.python_version()}, {', '.join(versions())}.\n")
    if works:
        print("|", " | ".join(HEADER), "|")
        print("|" + "---|" * len(HEADER), flush=True)
    for work in works:
        times = in_turn(work, 1 if args.quick else args.rounds, warm_up=not args.quick)
        names = [name for name in CONTESTANTS if (name, 1) in times]
        for row in rows(work, times, peak_memory(work, names, args.quick), peaks):
            print("|", " | ".join(row), "|", flush=True)
    for module, some in others.items():
        print()
        module.print_table(some, args.rounds, args.quick, peaks[1])


if __name__ == "__main__":
    main()
