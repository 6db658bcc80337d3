"""The solver's shell: what drives the paths, what they do not depend on, and its errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import njit

import labcore
from labcore import sde

MODEL = sde.geometric_brownian(0.5, 0.8)
H = 0.6


@njit
def _cubic(t, x, parameters):
    return -parameters[0] * x**3


@njit
def _unit(t, x, parameters):
    return 1.0


OWN = sde.Model("cubic spring", _cubic, _unit, parameters=(1.0,))


def test_paths_are_driven_by_the_documented_brownian_paths():
    n, n_paths, t_end = 24, 45, 1.5
    paths = sde.solve(MODEL, sde.EULER_MARUYAMA, 1.2, t_end, n, n_paths, rng=3)
    dw = np.diff(sde.brownian_paths(t_end, n, n_paths, rng=3))
    x = np.full(n_paths, 1.2)
    for i in range(n):
        x = x + 0.5 * x * (t_end / n) + 0.8 * x * dw[:, i]
        np.testing.assert_allclose(paths.x[:, i + 1], x, rtol=1e-14)
    np.testing.assert_allclose(paths.t, np.arange(n + 1) * t_end / n)


def test_nothing_depends_on_the_number_of_threads_or_of_other_paths():
    solve = lambda n_paths: sde.solve(MODEL, sde.MILSTEIN, 1.0, 1.0, 20, n_paths, rng=5).x  # noqa: E731
    threads = numba.get_num_threads()
    many = solve(300)
    try:
        numba.set_num_threads(1)
        alone = solve(300)
    finally:
        numba.set_num_threads(threads)
    assert (many == alone).all()
    assert (solve(71) == many[:71]).all()


def test_several_threads_share_the_work_without_gap():
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    x = sde.solve(MODEL, sde.EULER_MARUYAMA, np.arange(1.0, 200.0), 1.0, 4, 199, rng=5).x
    np.testing.assert_array_equal(x[:, 0], np.arange(1.0, 200.0))
    assert len(np.unique(x[:, -1])) == 199


def test_saving_less_does_not_change_what_is_saved():
    every = sde.solve(MODEL, sde.HEUN, 1.0, 1.0, 24, 40, rng=5)
    some = sde.solve(MODEL, sde.HEUN, 1.0, 1.0, 24, 40, save_every=6, rng=5)
    assert (some.x == every.x[:, ::6]).all()
    np.testing.assert_allclose(some.t, every.t[::6], rtol=1e-15)


@njit
def _turning(t, x, parameters):
    return -x[1], x[0]


@njit
def _diagonal(t, x, parameters):
    return 0.5, 0.2 * x[1]


@njit
def _mixing(t, x, parameters):
    return (0.5, 0.1, 0), (0.0, 0.2, 1)  # integers, too


TURNING = sde.Model("turning", _turning, _diagonal, dimension=2)
MIXING = TURNING._replace(name="mixing", diffusion=_mixing, additive=True)


def test_vectors_are_driven_by_the_documented_components_of_the_noise():
    n, n_paths, h = 24, 70, 0.05
    x0 = np.random.default_rng(0).standard_normal((n_paths, 2))
    sigma = np.array([[0.5, 0.1, 0.0], [0.0, 0.2, 1.0]])
    for model, m in ((TURNING, 2), (MIXING, 3)):
        paths = sde.solve(model, sde.EULER_MARUYAMA, x0, n * h, n, n_paths, save_every=6, rng=3)
        assert paths.x.shape == (n_paths, 5, 2)
        assert (paths.x[:, 0] == x0).all()
        dw = np.diff(sde.brownian_paths(n * h, n, n_paths, dimension=m, rng=3), axis=1)
        x = x0
        for i in range(n):
            if model is MIXING:
                noise = dw[:, i] @ sigma.T
            else:
                noise = np.column_stack([0.5 * dw[:, i, 0], 0.2 * x[:, 1] * dw[:, i, 1]])
            x = x + np.column_stack([-x[:, 1], x[:, 0]]) * h + noise
            if (i + 1) % 6 == 0:
                np.testing.assert_allclose(paths.x[:, (i + 1) // 6], x, rtol=1e-12)


def test_a_state_of_one_component_is_a_number_in_another_shape():
    @njit
    def drift(t, x, parameters):
        return (x[0] - x[0] * x[0] * x[0],)

    @njit
    def diffusion(t, x, parameters):
        return (0.7,)

    one = sde.Model("double well, as a vector", drift, diffusion, dimension=1)
    vector = sde.solve(one, sde.EULER_MARUYAMA, [0.1], 2.0, 16, 5, rng=1).x
    number = sde.solve(sde.double_well(0.7), sde.EULER_MARUYAMA, 0.1, 2.0, 16, 5, rng=1).x
    np.testing.assert_array_equal(vector[:, :, 0], number)


def test_methods_with_integrals_are_driven_by_brownian_integrals():
    """Twice: through the noise's increments alone, and through the integrals in a linear drift."""
    w, integral = sde.brownian_integrals(1.2, 12, 70, rng=3)
    plain = sde.solve(sde.brownian_motion(), sde.SRA1, 0.0, 1.2, 12, 70, rng=3)
    np.testing.assert_allclose(plain.x, w, rtol=0, atol=1e-14)
    x = sde.solve(sde.ornstein_uhlenbeck(2.0), sde.SRA1, 0.0, 1.2, 12, 70, rng=3).x
    h, now = 0.1, x[:, :-1]
    expected = now * (1 - 2 * h + 2 * h**2) + np.diff(w) - 2 * integral
    np.testing.assert_allclose(x[:, 1:], expected, rtol=0, atol=1e-14)


def test_a_seed_and_a_generator_make_it_reproducible():
    one = sde.solve(MODEL, sde.HEUN, 1.0, 1.0, 8, 3, rng=np.random.default_rng(1)).x
    two = sde.solve(MODEL, sde.HEUN, 1.0, 1.0, 8, 3, rng=np.random.default_rng(1)).x
    other = sde.solve(MODEL, sde.HEUN, 1.0, 1.0, 8, 3, rng=2).x
    assert (one == two).all()
    assert not np.isclose(one[:, -1], other[:, -1]).any()


def test_an_explosion_names_the_first_path_and_its_step():
    """Euler with h = H overshoots from |X| > sqrt(1 + 2 / H); the plain loop says when."""
    n, n_paths = 20, 50
    dw = np.diff(sde.brownian_paths(n * H, n, n_paths, rng=1))
    x, left = np.full(n_paths, 0.5), np.full(n_paths, -1)
    with np.errstate(all="ignore"):
        for i in range(n):
            x = x + (x - x**3) * H + 0.7 * dw[:, i]
            left[(left < 0) & ~np.isfinite(x)] = i + 1
    gone = np.flatnonzero(left >= 0)
    assert 0 < gone.size < n_paths
    message = (
        f"Euler-Maruyama exploded on the double well: {gone.size} of {n_paths} paths .* "
        f"path {gone[0]} left at step {left[gone[0]]} of {n} "
    )
    model = sde.double_well(0.7)
    with pytest.raises(sde.Exploded, match=message):
        sde.solve(model, sde.EULER_MARUYAMA, 0.5, n * H, n, n_paths, save_every=n, rng=1)
    fine = sde.solve(model, sde.EULER_MARUYAMA, 0.5, n * H, 64 * n, n_paths, rng=1)
    assert np.abs(fine.x).max() < 4


@njit
def _turned(t, x, parameters):
    return x, 1.0


@njit
def _pole(t, x, parameters):
    return np.inf * (1.0 + x)


@njit
def _three(t, x, parameters):
    return 1.0, 2.0, 3.0


@njit
def _ragged(t, x, parameters):
    return (1.0, 2.0), (3.0,)


PAIR = {"model": TURNING, "x0": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"t_end": -1.0}, ValueError, "t_end must be positive, got -1"),
        ({"n_steps": 0}, ValueError, "n_steps must be at least 1, got 0"),
        ({"n_steps": 2.5}, TypeError, "n_steps must be an integer, got 2.5"),
        ({"n_paths": -3}, ValueError, "n_paths must be at least 1"),
        ({"save_every": 3}, ValueError, "save_every must divide n_steps = 8, got 3"),
        ({"x0": np.nan}, ValueError, "x0 must be finite"),
        ({"x0": np.ones(3)}, ValueError, r"shape \(4,\), got shape \(3,\)"),
        ({"solver": sde.MILSTEIN}, ValueError, "Milstein needs model.diffusion_derivative"),
        ({"solver": sde.EXACT}, ValueError, "needs model.transition, which the cubic spring lacks"),
        ({"solver": sde.HEUN}, ValueError, "solves equations of stratonovich's kind"),
        ({"model": OWN._replace(interpretation="Ito")}, ValueError, "interpretation must be one"),
        ({"model": OWN._replace(drift=lambda t, x, p: x)}, TypeError, "must be compiled by numba"),
        ({"rng": -1}, ValueError, "rng must be from 0"),
        ({"solver": sde.SRA1}, ValueError, "SRA1 is for additive noise: model.additive must say"),
        ({"solver": sde.BAOAB}, ValueError, "BAOAB needs model.force, which the cubic spring"),
        ({"solver": sde.IMPLICIT_EULER}, ValueError, "needs model.drift_derivative"),
        ({"solver": sde.EXACT_DRAW}, ValueError, "needs model.transition_draw"),
        ({"model": OWN._replace(horizon=0.5)}, ValueError, "t_end must be at most 0.5, where"),
        ({"model": OWN._replace(drift=_turned)}, ValueError, "drift must return a number, got"),
        ({"model": OWN._replace(diffusion=_turned)}, ValueError, "diffusion must return a number"),
        ({"model": OWN._replace(drift=_pole), "x0": 0.0}, ValueError, "model.drift is not finite"),
        ({"model": OWN._replace(dimension=0)}, ValueError, "model.dimension must be at least 1"),
        ({"model": TURNING}, ValueError, r"x0 must have 1 or 2 dimensions, got shape \(\)"),
        (PAIR | {"x0": np.ones(3)}, ValueError, r"shape \(2,\) or \(4, 2\), got shape \(3,\)"),
        (PAIR | {"x0": np.ones((3, 2))}, ValueError, r"got shape \(3, 2\)"),
        (PAIR | {"x0": [0.0, np.inf]}, ValueError, r"x0 must be finite, got inf at \[1\]"),
        (
            PAIR | {"model": TURNING._replace(drift=_three)},
            ValueError,
            "model.drift must return a tuple of 2 numbers, got",
        ),
        (
            PAIR | {"model": TURNING._replace(diffusion=_three)},
            ValueError,
            "model.diffusion must return a tuple of 2 numbers or of as many rows, got",
        ),
        (
            PAIR | {"model": TURNING._replace(diffusion=_ragged)},
            ValueError,
            "model.diffusion must return a tuple of 2 numbers or of as many rows, got",
        ),
        (
            PAIR | {"model": MIXING, "solver": sde.SRIW1},
            ValueError,
            r"for diagonal noise: model.diffusion must return .* got a matrix of shape \(2, 3\)",
        ),
        (
            PAIR
            | {
                "model": MIXING._replace(additive=False, diffusion_derivative=_turning),
                "solver": sde.HEUN,
            },
            ValueError,
            "for a matrix of noises, state the mixing as one, with model.interpretation",
        ),
    ],
)
def test_bad_input(change, error, message):
    arguments = {
        "model": OWN,
        "solver": sde.EULER_MARUYAMA,
        "x0": 1.0,
        "t_end": 1.0,
        "n_steps": 8,
        "n_paths": 4,
        "rng": 0,
    }
    with pytest.raises(error, match=message):
        sde.solve(**(arguments | change))


def test_machine_code_is_kept_for_the_gallery_and_not_for_the_readers_own_models(tmp_path):
    """The loop takes functions as arguments. Those of the package have names that the next process
    knows; a reader's function has none, and its code would pile up in the cache unused."""
    code = """
from numba import njit
from labcore import sde
from labcore.sde.solve import _solve_some
own = sde.Model("own", njit(lambda t, x, p: -x), njit(lambda t, x, p: 1.0))
for model in (sde.double_well(), own):
    sde.solve(model, sde.EULER_MARUYAMA, 0.0, 1.0, 4, 2, rng=0)
print(sum(_solve_some.stats.cache_misses.values()))
"""
    package = Path(labcore.__file__).parent
    shutil.copytree(package, tmp_path / "labcore", ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "LABCORE_CACHE_DIR": str(cache)}
    for misses in ("2", "1"):
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert result.stdout.strip() == misses, result.stderr
        assert len(list(cache.rglob("*_solve_some*.nbc"))) == 1
