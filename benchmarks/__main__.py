"""Measure labcore beside its peers, and store the table that the book shows."""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pkgutil import iter_modules
from typing import Any

from tqdm import tqdm

import labcore
from benchmarks import fresh, machine, results
from benchmarks.workload import Workload
from benchmarks.workloads import WORKLOADS

FOR_THE_BOOK = {"claims", "exercises", "live"}  # the parts of labcore that are no subject
COLUMNS = f"{'workload':22s} {'way':26s} {'ms':>10s} {'ratio':>7s} {'aim':>5s} {'limit':>8s} "
COLUMNS += f"{'2 threads':>10s} {'compile s':>10s} {'warm s':>7s}"


def main() -> int:
    """Measure what the command line asks for; returns the exit status."""
    options = parser().parse_args()
    names = [workload.name for workload in WORKLOADS]
    if unknown := set(options.names) - set(names):
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")
    chosen = [w for w in WORKLOADS if not options.names or w.name in options.names]

    rows, missing, interrupted = [], set(), False
    try:
        rates = fresh.ask("machine")
        heading = {
            "machine": machine.description(),
            "versions": machine.versions(results.PACKAGES),
            "rates": rates,
            "imports": imports(),
        }
        print_heading(heading)
        for workload in tqdm(chosen, unit="workload", leave=False):
            row = measure(workload, rates, options.threads, options.rounds, missing)
            tqdm.write(as_text(row))
            rows.append(row)
    except KeyboardInterrupt:
        interrupted = True
        print(f"\ninterrupted: {len(rows)} of {len(chosen)} workloads were measured")
    if missing:
        print(f"not installed, and so not measured: {', '.join(sorted(missing))} (use make bench)")
    if options.save:
        if interrupted or missing:
            sys.exit("nothing was saved: the table would lack what was not measured")
        results.save(heading, rows, names)
        print(f"saved in {results.STORED.relative_to(fresh.ROOT)}")
    return 1 if interrupted else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("names", nargs="*", metavar="workload", help="which ones (all by default)")
    options.add_argument("--threads", type=int, choices=(1, 2), help="only so many (both)")
    options.add_argument("--rounds", type=int, default=0, help="rounds (the workload's own)")
    options.add_argument("--save", action="store_true", help="store the rows for the book")
    return options


def measure(
    workload: Workload, rates: dict[str, float], threads: int | None, rounds: int, missing: set
) -> dict[str, Any]:
    """Measure one workload: its first calls, then the ways on one thread, and on two."""
    row: dict[str, Any] = {
        "name": workload.name,
        "subject": sys.modules[workload.ways.__module__].__doc__.splitlines()[0].rstrip("."),
        "what": workload.what,
        "sizes": workload.sizes,
        "date": date.today().isoformat(),
        "aim": workload.aim,
        "compared": worth_per_second(workload.worth) if workload.worth else "time",
    }
    if workload.cost:
        cost = workload.cost(**workload.sizes)
        row["limit_ms"], row["bound_by"] = machine.limit(cost, rates)
    with tempfile.TemporaryDirectory() as cache:
        try:
            row["compile_s"] = fresh.ask("first_call", workload.name, cache=cache)
            row["warm_s"] = fresh.ask("first_call", workload.name, cache=cache)
        except fresh.Failed as error:
            return row | {"failed": str(error)}
        for count in workload.threads:
            if threads in (None, count):
                row[f"threads_{count}"] = timings(workload.name, count, rounds, cache, missing)
    return row


def worth_per_second(worth: Callable) -> str:
    """What the ratios of a workload with `worth` compare, by the function's name."""
    return f"{worth.__name__.replace('_', ' ')} per second"


def timings(name: str, threads: int, rounds: int, cache: str, missing: set) -> dict[str, Any]:
    """The ways of a workload on a number of threads, as they are stored."""
    try:
        timing = fresh.ask("timing", name, threads, rounds, threads=threads, cache=cache)
    except fresh.Failed as error:
        return {"failed": str(error)}
    missing |= set(timing["missing"])
    ways = {
        way: {"ms": milliseconds, "ratio": timing["ratios"][way]}
        for way, milliseconds in timing["milliseconds"].items()
    }
    failures = {way: {"failed": reason} for way, reason in timing["failures"].items()}
    return {"rounds": timing["rounds"], "ways": ways | failures}


def imports(rounds: int = 3) -> dict[str, float]:
    """Seconds to import NumPy, and beyond it labcore and each of its subjects."""
    parts = [part.name for part in iter_modules(labcore.__path__) if part.name[0] != "_"]
    subjects = [f"labcore.{part}" for part in parts if part not in FOR_THE_BOOK]
    modules = ["numpy", "labcore", *subjects]
    seconds: dict[str, list[float]] = {name: [] for name in modules}
    for _ in range(rounds):
        for name in seconds:
            seconds[name].append(fresh.ask("import_seconds", name))
    return {name: statistics.median(values) for name, values in seconds.items()}


def print_heading(heading: dict[str, Any]) -> None:
    """Say which machine it is, what it can do, and what the columns mean."""
    facts = heading["machine"]
    print(f"{facts['processor']}, {facts['cores']} cores, {facts['system']}")
    rates = {name: f"{rate / 1e9:.3g} G/s" for name, rate in heading["rates"].items()}
    print("rates of one thread:", ", ".join(f"{name} {rate}" for name, rate in rates.items()))
    seconds = {name: f"{value:.2f} s" for name, value in heading["imports"].items()}
    print("imports beyond numpy's:", ", ".join(f"{name} {s}" for name, s in seconds.items()))
    print("processor time of one thread, median; ratio: how many times better labcore is\n")
    print(COLUMNS, flush=True)


def as_text(row: dict[str, Any]) -> str:
    """A row for the terminal: a line for each way."""
    one, two = row.get("threads_1", {}), row.get("threads_2", {})
    failed = row.get("failed") or one.get("failed") or two.get("failed")
    if failed:
        return f"{row['name']:22s} FAILED: {failed}"
    lines = []
    for way in dict.fromkeys([*one.get("ways", {}), *two.get("ways", {})]):
        first, second = one.get("ways", {}).get(way, {}), two.get("ways", {}).get(way, {})
        if reason := first.get("failed") or second.get("failed"):
            lines.append(f"{'':22s} {way:26s} FAILED: {reason}")
            continue
        is_ours = not lines
        ratio = "" if is_ours or not first else f"{first['ratio'][0]:.2f}"
        lines.append(
            f"{row['name'] if is_ours else '':22s} {way:26s} {number(first.get('ms')):>10s} "
            f"{ratio:>7s} {number(row['aim'] if is_ours else None):>5s} "
            f"{number(row.get('limit_ms') if is_ours else None):>8s} "
            f"{number(second.get('ms')):>10s} "
            f"{number(row['compile_s'] if is_ours else None):>10s} "
            f"{number(row['warm_s'] if is_ours else None):>7s}"
        )
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Three digits, or nothing."""
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
