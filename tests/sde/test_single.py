"""Paths of single precision: their draws, their law, and how near they are to double."""

import numba
import numpy as np
import pytest
from numba import njit
from scipy import stats

from labcore import sde
from labcore.random import bits_pair
from labcore.sde.single import single_normals

GEOMETRIC = sde.geometric_brownian(0.5, 0.8)
WELL = sde.double_well()


@njit
def _fill(seed, first_block, out):
    for stream in range(out.shape[0]):
        for k in range(out.shape[1]):
            row = single_normals(seed, stream, first_block + k)
            for i in range(4):
                out[stream, k, i] = row[i]


def draws(n_streams, n_blocks, first_block=0):
    out = np.empty((n_streams, n_blocks, 4), np.float32)
    _fill(7, first_block, out)
    return out


def solve(model=GEOMETRIC, solver=sde.EULER_MARUYAMA, x0=1.2, t_end=1.5, n=24, n_paths=45, **more):
    return sde.solve(model, solver, x0, t_end, n, n_paths, **{"dtype": np.float32, "rng": 3} | more)


def brownian(t_end, n, n_paths, rng=3):
    """The paths of the noise: those of Brownian motion from zero, which adds up its increments."""
    return solve(sde.brownian_motion(), x0=0.0, t_end=t_end, n=n, n_paths=n_paths, rng=rng).x


@pytest.mark.parametrize("first_block", [0, 2**40 + 5], ids=["small", "large"])
def test_a_draw_is_box_mullers_of_the_documented_words(first_block):
    got = draws(20, 50, first_block)
    for stream in range(20):
        for k in range(50):
            pair = bits_pair(7, stream, np.uint64(2**62 + first_block + k))
            for i, bits in enumerate(map(int, pair)):
                low, high = bits & 0xFFFFFFFF, bits >> 32
                radius = np.sqrt(-2 * np.log((low >> 9) * 2.0**-23 + 2.0**-24))
                low_bits = (high << 2) % 2**32
                angle = (low_bits - 2**32 * (low_bits >= 2**31)) * 2.0**-31 * np.pi / 4
                point = np.array([np.cos(angle), np.sin(angle)])
                point = point[::-1] if high >> 30 & 1 else point
                point = -point if high >> 31 else point
                np.testing.assert_allclose(
                    got[stream, k, 2 * i : 2 * i + 2], radius * point, atol=1e-6
                )


def test_draws_are_normal_and_independent():
    """Of 10^6 draws: KS finds a distance of 0.003, correlations (also of squares) one of 0.015."""
    z = draws(1000, 250).astype(float)
    assert stats.kstest(z.ravel(), "norm").pvalue > 0.01
    rows = z.reshape(-1, 4)
    after = np.column_stack([rows[:-1], rows[1:, 0]])
    for values in (after, after**2):
        correlations = np.corrcoef(values.T) - np.eye(5)
        assert np.abs(correlations).max() < 4.5 / np.sqrt(len(rows))
    assert abs((z**4).mean() - 3.0) < 4.5 * np.sqrt(96 / z.size)


def test_paths_are_what_double_precision_makes_of_the_same_noise():
    """Rounding by 6e-8 in each of some ten operations a step, for 24 steps."""
    n, t_end, n_paths = 24, 1.5, 45
    dw = np.diff(brownian(t_end, n, n_paths).astype(float))
    h, x = t_end / n, np.full(n_paths, 1.2)
    got = solve(solver=sde.MILSTEIN)
    assert got.x.dtype == np.float32
    assert got.t.dtype == np.float64
    for i in range(n):
        x = x + 0.5 * x * h + 0.8 * x * dw[:, i] + 0.32 * x * (dw[:, i] ** 2 - h)
        np.testing.assert_allclose(got.x[:, i + 1], x, rtol=24 * 6e-7)
    assert np.abs(got.x[:, -1] - x).max() > 0.0


@pytest.mark.parametrize("n", [1, 3, 8, 40])
def test_refining_keeps_the_path_to_rounding(n):
    coarse, fine = brownian(1.0, n, 40), brownian(1.0, 4 * n, 40)
    np.testing.assert_allclose(fine[:, ::4], coarse, atol=3e-6)
    assert np.ptp(coarse[:, -1]) > 2.0


@pytest.mark.parametrize("n", [6, 8])
def test_the_noise_has_the_covariance_of_brownian_motion(n):
    """40,000 paths: an error of 4 % of the deviations' product is found with probability 0.99."""
    w = brownian(2.0, n, 40_000)[:, 1:].astype(float)
    t = np.arange(1, n + 1) * 2.0 / n
    error = (np.cov(w.T) - np.minimum.outer(t, t)) / np.sqrt(np.outer(t, t))
    assert np.abs(error).max() < 4.5 * np.sqrt(2 / 40_000)


def test_the_law_at_the_end_is_that_of_double_precision():
    """KS of 20,000 paths each: a distance of 0.03 is found with probability 0.99."""
    end = [
        solve(WELL, x0=0.3, n=128, n_paths=20_000, dtype=d).x[:, -1] for d in (float, np.float32)
    ]
    assert (end[0] != end[1]).all()
    assert stats.ks_2samp(*end).pvalue > 0.01


@pytest.mark.parametrize(
    ("solver", "order"),
    [(sde.EULER_MARUYAMA, 0.5), (sde.MILSTEIN, 1.0), (sde.HEUN, 1.0)],
    ids=["Euler-Maruyama", "Milstein", "Heun"],
)
def test_strong_orders_are_kept_above_the_rounding(solver, order):
    steps, n_paths = 2 ** np.arange(4, 10), 2000
    exact = GEOMETRIC.solution(1.0, 1.0, brownian(1.0, 16, n_paths)[:, -1].astype(float))
    errors = []
    for n in steps:
        end = solve(solver=solver, x0=1.0, t_end=1.0, n=n, n_paths=n_paths, save_every=n).x[:, -1]
        errors.append(np.abs(end - exact).mean())
    slope = np.polyfit(np.log2(steps), np.log2(errors), 1)[0]
    assert -slope == pytest.approx(order, abs=0.12)


@njit
def _turning(t, x, parameters):
    return -x[1] * 1.0, 1.0 * x[0]  # literals, which compute in double precision


@njit
def _mixing(t, x, parameters):
    return (0.5, 0.1, 0), (0.0, parameters[0], 1)


def test_vectors_and_coefficients_of_double_precision_give_single_precision():
    model = sde.Model("mixing", _turning, _mixing, parameters=(0.2,), dimension=2, additive=True)
    x = solve(model, x0=[1.0, -0.5], n_paths=20_000).x
    assert x.dtype == np.float32
    assert x.shape == (20_000, 25, 2)
    double = solve(model, x0=[1.0, -0.5], n_paths=20_000, dtype=np.float64).x
    for k in range(2):
        assert stats.ks_2samp(x[:, -1, k], double[:, -1, k]).pvalue > 0.01


def test_baoab_in_single_precision_keeps_the_harmonic_law():
    model = sde.underdamped_langevin(1.0, 1.0)
    single, double = (
        solve(model, sde.BAOAB, [0.5, 0.0], 3.0, 30, 20_000, save_every=30, dtype=d).x[:, -1]
        for d in (np.float32, np.float64)
    )
    for k in range(2):
        assert stats.ks_2samp(single[:, k], double[:, k]).pvalue > 0.01


def test_nothing_depends_on_threads_or_on_other_paths():
    threads = numba.get_num_threads()
    many = solve(n_paths=300).x
    try:
        numba.set_num_threads(1)
        assert (solve(n_paths=300).x == many).all()
    finally:
        numba.set_num_threads(threads)
    assert (solve(n_paths=71).x == many[:71]).all()
    assert (solve(n_paths=100, first_stream=200).x == many[200:]).all()
    assert (solve(n_paths=300, save_every=6).x == many[:, ::6]).all()


def test_an_explosion_is_named():
    with pytest.raises(sde.Exploded, match=r"10 of 10 paths .* left at step [2-9] of 24"):
        solve(WELL, x0=100.0, t_end=24.0, n_paths=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": np.float16}, "dtype must be numpy.float64 or numpy.float32, got "),
        ({"dtype": "floating"}, "dtype must be numpy.float64 or numpy.float32, got 'floating'"),
        ({"solver": sde.EXACT}, "dtype must be numpy.float64 for exact transition, got float32"),
        ({"solver": sde.SRIW1}, "dtype must be numpy.float64 for SRIW1, got float32"),
        ({"n": 2**20 + 1}, "n_steps must be at most 1048576 where dtype is numpy.float32, got"),
    ],
    ids=["half", "string", "exact", "integrals", "steps"],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        solve(**change)
