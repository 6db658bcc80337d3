"""Ensembles: the same bits however they are split, and no work lost with a worker."""

import os
import re
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from labcore import random, sde
from labcore.ensembles import ReplicateError, ensemble


def ends(first, count):
    """The ends of the paths with these numbers."""
    model = sde.ornstein_uhlenbeck()
    paths = sde.solve(model, sde.EULER_MARUYAMA, 1.0, 1.0, 16, count, rng=3, first_stream=first)
    return paths.x[:, -1]


def dies_once(folder, first, count):
    """The worker of the batch that holds replicate 30 dies, the first time."""
    witness = folder / "died"
    if first <= 30 < first + count and not witness.exists():
        witness.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return ends(first, count)


def dies_always(first, count):
    os.kill(os.getpid(), signal.SIGKILL)


def fails(first, count):
    if first <= 25 < first + count:
        raise ZeroDivisionError("at 25")
    return np.arange(first, first + count)


def two_processes():
    return ProcessPoolExecutor(2)


@pytest.fixture(scope="module")
def expected():
    return ends(0, 100)


@pytest.fixture
def two_workers():
    """A cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_paths_from_a_number_on_are_those_of_the_larger_ensemble(expected):
    np.testing.assert_array_equal(ends(37, 20), expected[37:57])


@pytest.mark.parametrize("size", [1, 7, 64, 100, 1000, None])
def test_the_result_does_not_depend_on_the_batches(expected, size):
    np.testing.assert_array_equal(ensemble(ends, 100, batch_size=size), expected)


def test_nor_on_the_order_in_which_they_end(expected):
    def slow_first(first, count):
        time.sleep(0.05 if first == 0 else 0.0)
        return ends(first, count)

    with ThreadPoolExecutor(4) as pool:
        result = ensemble(slow_first, 100, executor=pool, batch_size=9)
    np.testing.assert_array_equal(result, expected)


def test_nor_on_processes_instead_of_threads(expected):
    with two_processes() as pool:
        np.testing.assert_array_equal(ensemble(ends, 100, executor=pool, batch_size=9), expected)


def test_what_a_killed_process_takes_along_is_done_again(expected, tmp_path):
    task = partial(dies_once, tmp_path)
    result = ensemble(task, 100, executor=two_processes, batch_size=9)
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(result, expected)


def test_pools_are_not_replaced_for_ever():
    with pytest.raises(BrokenExecutor):
        ensemble(dies_always, 4, executor=two_processes, retries=1)


def test_a_pool_that_was_given_is_not_replaced(tmp_path):
    with two_processes() as pool, pytest.raises(BrokenExecutor):
        ensemble(partial(dies_once, tmp_path), 100, executor=pool, batch_size=9)


def test_on_a_cluster_whose_worker_is_killed_the_result_is_the_same(
    expected, two_workers, tmp_path
):
    task = partial(dies_once, tmp_path)
    result = ensemble(task, 100, executor=two_workers.get_executor(), batch_size=9)
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(result, expected)


def test_rows_may_be_arrays_and_a_sweep_is_a_function_of_the_number():
    """Two parameters times five replicates: number i is replicate i % 5 of parameter i // 5."""

    def task(first, count):
        numbers = np.arange(first, first + count)
        noise = [random.normal(3, rng=1, stream=int(i)) for i in numbers]
        return np.array([10.0, 20.0])[numbers // 5, None] + noise

    result = ensemble(task, 10, batch_size=3)
    assert result.shape == (10, 3)
    assert np.array_equal(np.rint(result.mean(axis=1) / 10), [1] * 5 + [2] * 5)


@pytest.mark.parametrize("executor", [None, two_processes], ids=["threads", "processes"])
def test_an_error_names_its_replicates_and_has_its_cause(executor):
    message = "replicates 20 to 29 failed: ZeroDivisionError: at 25"
    with pytest.raises(ReplicateError, match=message) as raised:
        ensemble(fails, 100, executor=executor, batch_size=10)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_interruption_cancels_what_has_not_begun():
    begun = []

    def task(first, count):
        begun.append(first)
        if first == 0:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.05)
        return np.zeros(count)

    with pytest.raises(KeyboardInterrupt):
        ensemble(task, 1000, executor=partial(ThreadPoolExecutor, 1), batch_size=1)
    assert len(begun) < 10


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ensemble(ends, 0), ValueError, "n must be at least 1"),
        (lambda: ensemble(ends, 2, batch_size=0), ValueError, "batch_size must be at least 1"),
        (lambda: ensemble(ends, 2, retries=-1), ValueError, "retries must be at least 0"),
        (lambda: ensemble(ends, 2, executor=4), TypeError, "executor must be an Executor or make"),
        (
            lambda: ensemble(lambda first, count: np.zeros(3), 4, batch_size=4),
            ValueError,
            r"task\(0, 4\) must return 4 rows, got an array of shape \(3,\)",
        ),
        (
            lambda: sde.solve(sde.ornstein_uhlenbeck(), sde.EXACT, 1.0, 1.0, 1, first_stream=-1),
            ValueError,
            "first_stream must be at least 0",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_program_of_the_page_on_scale_runs(capsys):
    page = (Path(__file__).parents[1] / "book/scale.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(program, "book/scale.md", "exec"), {"__name__": "__main__"})
    share = float(capsys.readouterr().out.split()[-1])
    assert abs(share - 0.5) < 0.02  # the well is symmetric: 5 standard errors
