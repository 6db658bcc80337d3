"""The benchmark compares like with like, its clocks are right, and the book shows its results."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks import fresh, machine, measure, results
from benchmarks.measure import Clock, compare
from benchmarks.workload import Cost, same_law
from benchmarks.workloads import WORKLOADS
from labcore import random
from tools import benchmark_tables
from tools.benchmark_tables import misses_its_aim, rounded, standing

ROOT = Path(__file__).parents[1]
REFRESH = "run: make bench BENCH=--save (BENCH='name --save' for one workload)"


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_peers_give_the_same_answer(workload):
    ours, *peers = [way() for way in workload.ways(**workload.small).values()]
    for theirs in peers:
        workload.agree(ours, theirs)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_cost_of_a_workload_is_known_at_its_sizes(workload):
    assert set(workload.small) <= set(workload.sizes)
    if workload.cost:
        cost = workload.cost(**workload.sizes)
        assert min(cost) >= 0.0
        assert max(cost) > 0.0


def test_names_of_workloads_are_unique():
    names = [workload.name for workload in WORKLOADS]
    assert len(set(names)) == len(names)


def test_same_law_sees_a_step_size_that_is_off_by_a_tenth():
    draws = random.normal(20_000, rng=1)
    with pytest.raises(AssertionError):
        same_law()(draws, 1.1 * draws)


# ------------------------------------------------------------------------------ comparing ways


def test_a_way_that_does_something_else_has_failed():
    ways = {"labcore": lambda: np.zeros(2), "peer": lambda: np.zeros(3)}
    timing = compare(ways, rounds=1)
    assert list(timing.ratios) == ["labcore"]
    assert "shape (3,), labcore's (2,)" in timing.failures["peer"]


def test_a_way_with_another_answer_has_failed():
    ways = {"labcore": lambda: np.zeros(2), "peer": lambda: np.ones(2)}
    timing = compare(ways, rounds=1, agree=np.testing.assert_allclose)
    assert timing.failures["peer"].startswith("AssertionError: Not equal to tolerance")


def test_a_peer_that_raises_is_named_with_its_reason_and_the_others_are_measured():
    def broken():
        raise KeyError("no such solver")

    timing = compare({"labcore": lambda: 0, "broken": broken, "peer": lambda: 0}, rounds=1)
    assert timing.failures == {"broken": "KeyError: 'no such solver'"}
    assert set(timing.milliseconds) == {"labcore", "peer"}


def test_an_error_of_labcore_is_not_a_result():
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        compare({"labcore": broken, "peer": lambda: 0})


@pytest.fixture
def durations(monkeypatch):
    """Let the calls that are timed take the seconds that are given: labcore, peer, labcore, ..."""

    def use(seconds):
        seconds = iter(seconds)
        monkeypatch.setattr(measure.Clock, "seconds", lambda clock: next(seconds))

    return use


def test_the_ratio_is_the_median_of_ratios_pair_by_pair(durations):
    """A machine that slows down between two rounds changes the times and not the ratio."""
    durations([1, 3, 10, 30, 2, 4])
    timing = compare({"labcore": lambda: 0, "peer": lambda: 0}, rounds=3)
    assert timing.milliseconds == {"labcore": 2000.0, "peer": 4000.0}
    assert timing.ratios == {"labcore": (1.0, 1.0, 1.0), "peer": (3.0, 2.0, 3.0)}


def test_a_result_that_is_worth_half_counts_half(durations):
    durations([1, 3])
    ways = {"labcore": lambda: np.ones(2), "peer": lambda: np.full(2, 0.5)}
    assert compare(ways, rounds=1, worth=np.sum).ratios["peer"] == (6.0, 6.0, 6.0)


def test_no_round_is_begun_when_patience_is_at_an_end(monkeypatch):
    monkeypatch.setattr(measure, "PATIENCE", -1.0)
    assert compare({"labcore": lambda: 0}, rounds=5).rounds == 1


# -------------------------------------------------------------------------------------- clocks


@pytest.fixture
def threads(tmp_path, monkeypatch):
    """A machine whose threads have used so many seconds: threads({"1": 0.5, ...})."""
    monkeypatch.setattr(measure, "THREADS_OF_THIS_PROCESS", tmp_path)
    monkeypatch.setattr(measure.time, "process_time", lambda: threads.process)
    threads.process = 0.0

    def use(seconds, process):
        threads.process = process
        for name, value in seconds.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "schedstat").write_text(f"{round(1e9 * value)} 17 3\n")

    return use


def threads_clock(use, before, after):
    use(*before)
    clock = Clock(threads=2)
    use(*after)
    return clock.seconds()


def test_time_on_two_threads_is_that_of_the_busier_one(threads):
    before = {"1": 5.0, "2": 1.0}, 6.0
    after = {"1": 5.5, "2": 1.75, "3": 0.125}, 7.375
    assert threads_clock(threads, before, after) == 0.75


def test_threads_that_have_ended_share_the_cores(threads):
    """Two seconds were used on two cores, though no living thread used any."""
    assert threads_clock(threads, ({"1": 1.0}, 1.0), ({"1": 1.0}, 3.0)) == 1.0


def test_where_threads_cannot_be_told_apart_wall_time_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "THREADS_OF_THIS_PROCESS", tmp_path / "none")
    now = iter([10.0, 13.0])
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(now))
    assert Clock(threads=2).seconds() == 3.0


def test_time_on_one_thread_is_that_of_the_process(threads):
    threads({"1": 1.0}, 1.0)
    clock = Clock()
    threads({"1": 1.0}, 3.5)
    assert clock.seconds() == 2.5


# ------------------------------------------------------------------------------------- machine


def test_the_limit_is_the_time_of_the_costliest_resource():
    rates = {"gemm": 50e9, "exps": 1e9, "sincos": 1e9, "normals": 0.5e9, "bytes": 20e9}
    assert machine.limit(Cost(gemm=1e9, exps=3e7, bytes=2e8), rates) == (30.0, "exps")


def test_a_fresh_process_that_fails_says_why():
    with pytest.raises(fresh.Failed, match="KeyError: 'no_such_task'"):
        fresh.ask("no_such_task")


def test_a_fresh_process_has_as_many_threads_as_it_is_told():
    assert {fresh.environment(2)[name] for name in fresh.THREAD_COUNTS} == {"2"}


def test_what_the_peers_stand_on_is_what_the_book_is_tested_with():
    def pins(file):
        return dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))

    book, bench = pins("requirements.txt"), pins("benchmarks/requirements.txt")
    assert {name: bench.get(name) for name in ("numpy", "scipy", "numba", "llvmlite", "tqdm")} == {
        name: book[name] for name in ("numpy", "scipy", "numba", "llvmlite", "tqdm")
    }
    for name in bench.keys() & book.keys():
        assert bench[name] == book[name]
    assert set(results.PACKAGES) <= bench.keys()


# --------------------------------------------------------------------------- the stored results


def row(name, aim=2.0, ratio=3.0, **more):
    """A row as it is stored."""
    ways = {
        "labcore": {"ms": 2.0, "ratio": [1, 1, 1]},
        "slow": {"ms": 9000.0, "ratio": [4500.0, 1, 1]},
        "quick": {"ms": 2 * ratio, "ratio": [ratio, 1, 1]},
        "broken": {"failed": "KeyError: <x>"},
    }
    both = {"rounds": 3, "ways": {"labcore": {"ms": 1.25, "ratio": [1, 1, 1]}}}
    return {
        **{"name": name, "subject": "S", "what": "Do it.", "date": "2026-11-24", "aim": aim},
        "sizes": {"n": 20},
        **{"compared": "time", "limit_ms": 1.0, "bound_by": "exps", "compile_s": 1.0},
        **{"warm_s": 0.25, "threads_1": {"rounds": 3, "ways": ways}, "threads_2": both, **more},
    }


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "STORED", tmp_path / "results.json")
    heading = {"machine": {"processor": "P"}, "versions": {"numpy": "2"}}
    results.save(heading, [row("a"), row("b")], ["a", "b"])
    return heading


def test_rows_measured_anew_replace_the_old_and_keep_the_order_of_the_workloads(stored):
    results.save(stored, [row("a", ratio=7.0), row("c")], ["c", "b", "a"])
    names = [r["name"] for r in results.load()["rows"]]
    assert names == ["c", "b", "a"]
    assert standing(results.load()["rows"][2]).ratio == 7.0


def test_rows_of_a_workload_that_is_no_more_are_dropped(stored):
    results.save(stored, [row("a")], ["a"])
    assert [r["name"] for r in results.load()["rows"]] == ["a"]


def test_rows_of_two_machines_are_not_mixed(stored):
    other = stored | {"machine": {"processor": "Q"}}
    with pytest.raises(ValueError, match="from another machine"):
        results.save(other, [row("a")], ["a", "b"])
    results.save(other, [row("a"), row("b")], ["a", "b"])


def test_a_new_peer_joins_the_table_and_a_new_version_needs_all_anew(stored):
    joined = stored | {"versions": stored["versions"] | {"new-peer": "1"}}
    results.save(joined, [row("a")], ["a", "b"])
    newer = joined | {"versions": joined["versions"] | {"new-peer": "2"}}
    with pytest.raises(ValueError, match="from another versions"):
        results.save(newer, [row("a")], ["a", "b"])


def test_the_best_peer_is_the_one_with_the_smallest_ratio():
    assert standing(row("a")) == (2.0, "quick", 6.0, 3.0)
    assert standing(row("a"), threads=2) == (1.25, None, None, None)
    assert standing({"aim": 2.0, "failed": "no"}) is None


@pytest.mark.parametrize(
    ("ratio", "missed"), [(1.94, True), (1.96, False), (2.0, False), (40.0, False)]
)
def test_an_aim_is_missed_when_the_ratio_as_it_is_shown_is_below(ratio, missed):
    assert misses_its_aim(row("a", aim=2.0, ratio=ratio)) == missed


def test_without_an_aim_parity_is_the_aim_and_a_failure_is_a_miss():
    assert misses_its_aim(row("a", aim=None, ratio=0.9))
    assert not misses_its_aim(row("a", aim=None, ratio=1.0))
    assert misses_its_aim({"aim": 2.0, "failed": "no"})


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (123.4, 3, "123"),
        (1234.4, 3, "1230"),
        (0.04567, 3, "0.0457"),
        (9.996, 3, "10.0"),
        (1.96, 2, "2.0"),
        (24.7, 2, "25"),
        (0.0, 2, "0.0"),
    ],
)
def test_numbers_are_shown_with_their_significant_digits(value, digits, text):
    assert rounded(value, digits) == text


def test_a_row_shows_a_failed_peer_and_why_an_aim_was_missed():
    html = benchmark_tables.row_html(row("a", ratio=1.5), "memory & time")
    assert "broken failed: KeyError: &lt;x&gt;." in html
    assert "▽ below 2" in html
    assert "memory &amp; time" in html
    assert "slow 9000&nbsp;ms (ratio 4500)" in html
    assert "✓ aim 2" in benchmark_tables.row_html(row("a"), None)


def test_a_row_that_failed_says_so():
    failed = {k: v for k, v in row("a").items() if not k.startswith("threads")}
    html = benchmark_tables.row_html(failed | {"failed": "no memory"}, None)
    assert ">failed<" in html
    assert "labcore failed: no memory." in html


def test_a_sweep_costs_the_measured_time_of_its_steps():
    """20 paths of 50 steps in 2 ms: 2 microseconds a step."""
    html = benchmark_tables.sweep_html(row("a") | {"sizes": {"n_paths": 20, "n_steps": 50}}, 3600)
    assert '<th scope="row">1000</th><td>500</td><td>7.2&nbsp;s</td><td>3.6&nbsp;s</td>' in html


@pytest.mark.parametrize(
    ("seconds", "text"), [(7200, "2.0 h"), (90, "1.5 min"), (59, "59 s"), (0.5, "0.50 s")]
)
def test_a_duration_has_a_unit_that_suits_it(seconds, text):
    assert benchmark_tables.duration(seconds) == text.replace(" ", "&nbsp;")


def test_every_workload_has_its_stored_row_and_every_row_its_workload():
    stored = [r["name"] for r in results.load()["rows"]]
    names = [workload.name for workload in WORKLOADS]
    assert sorted(stored) == sorted(names), f"the stored table is out of date; {REFRESH}"


def test_a_stored_row_says_what_its_workload_says():
    stored = {r["name"]: r for r in results.load()["rows"]}
    for workload in WORKLOADS:
        r = stored[workload.name]
        said = {"what": workload.what, "aim": workload.aim, "sizes": workload.sizes}
        assert {key: r[key] for key in said} == said, f"{workload.name}: {REFRESH}"


def test_every_missed_aim_has_its_reason_and_no_other_row_has():
    missed = {r["name"] for r in results.load()["rows"] if misses_its_aim(r)}
    reasons = yaml.safe_load((ROOT / "benchmarks/missed.yml").read_text("utf-8")) or {}
    assert set(reasons) == missed
    assert all(len(reason) > 40 and reason.endswith(".") for reason in reasons.values())


def test_prose_of_the_page_has_no_times_of_its_own():
    prose = (ROOT / "book/benchmarks.md").read_text("utf-8")
    assert re.findall(r"\d[\d.]*\s*(?:ms|s|seconds|times)\b", prose) == []


def test_stored_results_are_numbers():
    text = json.dumps(results.load())
    assert "NaN" not in text
    assert "Infinity" not in text
