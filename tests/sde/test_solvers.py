"""Each solver converges at the orders that it states."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from scipy.linalg import expm
from scipy.special import gamma

from labcore import sde
from labcore.sde.model import Coefficients, coefficients_of, no_derivative, no_transition

STEPS = 2 ** np.arange(4, 10)
BATCHES = 10


@njit
def _hyperbolic_drift(t, x, parameters):
    return 0.5 * x + t * np.sqrt(1 + x * x)


@njit
def _hyperbolic_slope(t, x, parameters):
    return 0.5 + t * x / np.sqrt(1 + x * x)


@njit
def _hyperbolic_diffusion(t, x, parameters):
    return np.sqrt(1 + x * x)


@njit
def _hyperbolic_derivative(t, x, parameters):
    return x / np.sqrt(1 + x * x)


# Ito's formula for sinh(t^2 / 2 + w + c): nonlinear, depends on time, not in the gallery.
HYPERBOLIC = sde.Model(
    "hyperbolic equation",
    _hyperbolic_drift,
    _hyperbolic_diffusion,
    _hyperbolic_derivative,
    solution=lambda t, x0, w: np.sinh(t**2 / 2 + w + np.arcsinh(x0)),
    drift_derivative=_hyperbolic_slope,
)


@njit
def _pair_drift(t, x, parameters):
    return 0.5 * x[0] + t * np.sqrt(1 + x[0] * x[0]), np.sin(x[0]) - x[1]


@njit
def _pair_diffusion(t, x, parameters):
    return np.sqrt(1 + x[0] * x[0]), 0.5 + 0.3 * np.sin(x[1])


@njit
def _pair_derivative(t, x, parameters):
    return x[0] / np.sqrt(1 + x[0] * x[0]), 0.3 * np.cos(x[1])


# Diagonal noise; the second equation sees the first through its drift.
DIAGONAL = sde.Model("pair", _pair_drift, _pair_diffusion, _pair_derivative, dimension=2)


@njit
def _waving_drift(t, x, parameters):
    return -x[1] + np.cos(t), np.sin(x[0])


@njit
def _waving_diffusion(t, x, parameters):
    return (1 + 0.5 * np.sin(3 * t), 0.3), (0.0, 0.7)


# Additive noise that mixes the components and changes in time.
WAVING = sde.Model("waving system", _waving_drift, _waving_diffusion, dimension=2, additive=True)


@njit
def _at_rest(t, x, parameters):
    return 0.0, 0.0


@njit
def _one_noise(t, x, parameters):
    return (1.0,), (np.cos(x[0]),)


@njit
def _two_noises(t, x, parameters):
    return (1.0, 0.0), (0.0, x[0])


# dX = dW, dY = cos(X) o dW: Y = sin(W). One noise commutes with itself.
COMMUTING = sde.Model(
    "commuting noise", _at_rest, _one_noise, interpretation="stratonovich", dimension=2
)
# dX = dW_1, dY = X dW_2, the same in both senses: Y is the area under one noise by the other.
AREA = sde.Model("area", _at_rest, _two_noises, dimension=2)
STRATONOVICH_AREA = AREA._replace(interpretation="stratonovich")


def hyperbolic(t, x):
    """Drift, diffusion and its derivative, written out once more in NumPy."""
    return 0.5 * x + t * np.hypot(1, x), np.hypot(1, x), x / np.hypot(1, x)


@njit
def _square(t, x, parameters):
    return 1.0 + t * t


def rossler_step(coefficients, t, x, h, dw, z):
    """SRIW1 from its tableau, stage by stage."""
    a0, b0, a1, b1 = np.zeros((4, 4, 4))
    a0[1, 0], b0[1, 0] = 3 / 4, 3 / 2
    a1[1, 0], a1[2, 0], a1[3, 2] = 1 / 4, 1, 1 / 4
    b1[1, 0], b1[2, 0], b1[3, :3] = 1 / 2, -1, (-5, 3, 1 / 2)
    alpha = np.array([1 / 3, 2 / 3, 0, 0])
    beta = np.array([[-3, 4, 2, 0], [-3, 4, -1, 0], [6, -4, -2, 0], [-6, 5, -2, 3]]) / 3
    c0, c1 = a0.sum(axis=1), a1.sum(axis=1)
    f, g = np.zeros(4), np.zeros(4)
    for i in range(4):
        f[i] = coefficients(t + c0[i] * h, x + a0[i] @ f * h + b0[i] @ g * z / h)[0]
        g[i] = coefficients(t + c1[i] * h, x + a1[i] @ f * h + b1[i] @ g * np.sqrt(h))[1]
    i11, i111 = (dw**2 - h) / 2, (dw**3 - 3 * h * dw) / 6
    weights = beta.T @ [dw, i11 / np.sqrt(h), z / h, i111 / h]
    return x + alpha @ f * h + weights @ g


def test_a_step_is_the_documented_formula():
    t, x, h, dw, z = 0.3, 0.7, 0.1, -0.45, 0.011
    b, sigma, slope = hyperbolic(t, x)
    euler = x + b * h + sigma * dw
    b_ahead, sigma_ahead, _ = hyperbolic(t + h, euler)
    c = Coefficients(*HYPERBOLIC[1:4], _hyperbolic_slope, (), 0.0)
    expected = {
        sde.EULER_MARUYAMA: euler,
        sde.MILSTEIN: euler + sigma * slope * (dw**2 - h) / 2,
        sde.HEUN: x + (b + b_ahead) / 2 * h + (sigma + sigma_ahead) / 2 * dw,
        sde.TAMED_EULER: x + b * h / (1 + h * abs(b)) + sigma * dw,
        sde.SRIW1: rossler_step(hyperbolic, t, x, h, dw, z),
    }
    for solver, value in expected.items():
        noise = (dw, z) if solver.noise == "integrals" else dw
        assert solver.step(c, t, x, h, noise) == pytest.approx(value, rel=1e-13), solver.name
    y = sde.IMPLICIT_EULER.step(c, t, x, h, dw)
    assert y == pytest.approx(x + hyperbolic(t + h, y)[0] * h + sigma * dw, rel=1e-11)


def test_a_step_of_sra1_is_the_documented_formula():
    t, x, h, dw, z = 0.3, 0.7, 0.1, -0.45, 0.011
    now, ahead = 1 + t**2, 1 + (t + h) ** 2
    b = hyperbolic(t, x)[0]
    y = x + 0.75 * b * h + 1.5 * ahead * z / h
    expected = x + (b + 2 * hyperbolic(t + 0.75 * h, y)[0]) * h / 3
    expected += ahead * dw + (now - ahead) * z / h
    c = Coefficients(_hyperbolic_drift, _square, no_derivative, no_transition, (), 0.0)
    assert sde.SRA1.step(c, t, x, h, (dw, z)) == pytest.approx(expected, rel=1e-14)


def test_a_step_of_baoab_is_the_documented_formula():
    friction, temperature, omega, h, dw = 0.7, 1.3, 1.6, 0.2, -0.45
    model = sde.underdamped_langevin(friction, temperature, omega)
    q, p = 0.4, -0.8
    p -= h / 2 * omega**2 * q
    q += h / 2 * p
    decay = np.exp(-friction * h)
    p = decay * p + np.sqrt(temperature * (1 - decay**2)) * dw / np.sqrt(h)
    q += h / 2 * p
    p -= h / 2 * omega**2 * q
    got = sde.BAOAB.step(coefficients_of(model, sde.BAOAB), 0.0, (0.4, -0.8), h, (dw,))
    np.testing.assert_allclose(got, (q, p), rtol=1e-14)


def test_each_step_is_given_the_time_at_its_start():
    n, t_end = 6, 1.5
    x, h = np.full(3, 0.2), t_end / n
    for i, dw in enumerate(np.diff(sde.brownian_paths(t_end, n, 3, rng=1)).T):
        b, sigma, _ = hyperbolic(i * h, x)
        x = x + b * h + sigma * dw
    end = sde.solve(HYPERBOLIC, sde.EULER_MARUYAMA, 0.2, t_end, n, 3, rng=1).x[:, -1]
    np.testing.assert_allclose(end, x, rtol=1e-13)


class Case(NamedTuple):
    """A solver on a model, and the strong order that is expected there."""

    solver: sde.Solver
    model: sde.Model
    x0: float | list
    order: float
    reference: sde.Solver | None = None  # on a fine grid, where there is no closed form


GEOMETRIC, WELL = sde.geometric_brownian(0.5, 0.8), sde.double_well(0.9)
LANGEVIN = sde.underdamped_langevin(0.7, 1.3, 1.6)
EULER = (sde.EULER_MARUYAMA, sde.TAMED_EULER, sde.IMPLICIT_EULER)
SCALAR = (*EULER, sde.MILSTEIN, sde.HEUN, sde.SRIW1)
CASES = [
    *(Case(solver, GEOMETRIC, 1.0, solver.strong_order) for solver in SCALAR),
    *(Case(solver, HYPERBOLIC, 0.2, solver.strong_order) for solver in SCALAR),
    *(Case(solver, WELL, 0.3, 1.0, sde.HEUN) for solver in EULER),
    Case(sde.SRA1, WELL, 0.3, 1.5, sde.SRIW1),
    Case(sde.MILSTEIN, DIAGONAL, [0.2, 0.5], 1.0, sde.HEUN),
    Case(sde.HEUN, DIAGONAL, [0.2, 0.5], 1.0, sde.MILSTEIN),
    Case(sde.SRIW1, DIAGONAL, [0.2, 0.5], 1.5, sde.SRIW1),
    Case(sde.SRA1, WAVING, [0.2, 0.5], 1.5, sde.SRA1),
    Case(sde.HEUN, WAVING, [0.2, 0.5], 1.0, sde.EULER_MARUYAMA),
    Case(sde.BAOAB, LANGEVIN, [1.0, -0.5], 1.0, sde.HEUN),
    # Noises that do not commute lower the order of every method made of increments to 1/2.
    Case(sde.EULER_MARUYAMA, AREA, [0.0, 0.0], 0.5, sde.EULER_MARUYAMA),
    Case(sde.HEUN, STRATONOVICH_AREA, [0.0, 0.0], 0.5, sde.HEUN),
]


def ends(case, solver, n, n_paths):
    n = int(n)
    return sde.solve(case.model, solver, case.x0, 1.0, n, n_paths, save_every=n, rng=4).x[:, -1]


def exact_ends(case, n_paths):
    """By the closed form, or by steps 16 times finer than the finest that are tested."""
    if case.reference:
        return ends(case, case.reference, 16 * STEPS[-1], n_paths)
    w = sde.brownian_paths(1.0, 1, n_paths, rng=4)
    if case.solver.noise == "integrals":
        w = sde.brownian_integrals(1.0, 1, n_paths, rng=4).w
    return case.model.solution(1.0, case.x0, w[:, -1])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.solver.name}-on-{case.model.name}".replace(" ", "-"))
        for case in CASES
    ],
)
def test_strong_order(case):
    """The slope of log E|error| over six step sizes, in ten batches of paths. Their mean is within
    0.12 of the order, with a standard error below 0.04: one that is off by a quarter is caught."""
    n_paths = 500 if case.reference else 4000
    exact = exact_ends(case, n_paths)
    errors = np.array([np.abs(ends(case, case.solver, n, n_paths) - exact) for n in STEPS])
    errors = errors.reshape(len(STEPS), BATCHES, -1).mean(axis=2)
    slopes = -np.polyfit(np.log(STEPS), np.log(errors), 1)[0]
    assert slopes.std() / np.sqrt(BATCHES) < 0.04
    assert slopes.mean() == pytest.approx(case.order, abs=0.12)


def test_heun_has_order_one_where_noises_commute():
    w = sde.brownian_paths(1.0, 1, 1000, rng=4)[:, -1]
    case = Case(sde.HEUN, COMMUTING, [0.0, 0.0], 1.0)
    errors = [np.abs(ends(case, sde.HEUN, n, 1000)[:, 1] - np.sin(w)).mean() for n in STEPS]
    assert -np.polyfit(np.log(STEPS), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.12)


# Weak orders without sampling: on a circle E f(X_n) is T^n f for a matrix T, to all digits.


@njit
def _round_drift(t, x, parameters):
    return np.sin(x) + 0.3


@njit
def _round_slope(t, x, parameters):
    return np.cos(x)


@njit
def _round_diffusion(t, x, parameters):
    return 0.8 + parameters[0] * np.cos(x)


@njit
def _round_derivative(t, x, parameters):
    return -parameters[0] * np.sin(x)


def round_model(amplitude):
    return sde.Model(
        "equation on the circle",
        _round_drift,
        _round_diffusion,
        _round_derivative,
        parameters=(amplitude,),
        additive=amplitude == 0.0,
        drift_derivative=_round_slope,
    )


POINTS = 24
NODES = np.arange(POINTS) * 2 * np.pi / POINTS
WAVES = 1j * np.fft.fftfreq(POINTS, 1 / POINTS)
TO_WAVES = np.exp(-np.outer(WAVES, NODES)) / POINTS


def generator(model):
    """b d/dx + sigma^2 / 2 d^2/dx^2 on trigonometric polynomials, given at NODES."""
    b = np.array([model.drift(0.0, x, model.parameters) for x in NODES])
    sigma = np.array([model.diffusion(0.0, x, model.parameters) for x in NODES])
    waves = np.exp(np.outer(NODES, WAVES))
    return ((b[:, None] * WAVES + 0.5 * sigma[:, None] ** 2 * WAVES**2) * waves @ TO_WAVES).real


def transfer(solver, c, h):
    """The matrix from f to E f(one step from x), both given at NODES."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    weights = weights / weights.sum()
    matrix = np.zeros((POINTS, POINTS))
    for z, weight in zip(np.sqrt(h) * nodes, weights, strict=True):
        noises = [(z, weight)]
        if solver.noise == "integrals":
            areas = np.sqrt(h**3 / 12) * nodes
            both = zip(areas, weights, strict=True)
            noises = [((z, h * z / 2 + area), weight * other) for area, other in both]
        for noise, probability in noises:
            x = np.array([solver.step(c, 0.0, node, h, noise) for node in NODES])
            matrix += probability * (np.exp(np.outer(x, WAVES)) @ TO_WAVES).real
    return matrix


@pytest.mark.parametrize(
    ("solver", "amplitude"),
    [
        *(pytest.param(solver, 0.4, id=solver.name.replace(" ", "-")) for solver in SCALAR),
        pytest.param(sde.SRA1, 0.0, id="SRA1"),
    ],
)
def test_weak_order(solver, amplitude):
    """The slope of the largest |E f(X_1) - E f(X_1^h)| over all starts, for one function f,
    extrapolated once to small steps. Nothing is sampled."""
    model = round_model(amplitude)
    c = coefficients_of(model, solver)
    f = np.cos(NODES) + 0.5 * np.sin(2 * NODES)
    expected = expm(generator(model)) @ f
    errors = []
    for n in (8, 16, 32):
        got = np.linalg.matrix_power(transfer(solver, c, 1 / n), n) @ f
        errors.append(np.abs(got - expected).max())
    slopes = -np.diff(np.log2(errors))
    assert 2 * slopes[1] - slopes[0] == pytest.approx(solver.weak_order, abs=0.15)


def langevin_map(h):
    """One step of BAOAB on a harmonic well is affine: (q, p) to M (q, p) + v dW."""
    c = coefficients_of(LANGEVIN, sde.BAOAB)
    step = lambda q, p, dw: np.array(sde.BAOAB.step(c, 0.0, (q, p), h, (dw,)))  # noqa: E731
    return np.column_stack([step(1.0, 0.0, 0.0), step(0.0, 1.0, 0.0)]), step(0.0, 0.0, 1.0)


def test_baoab_has_weak_order_two():
    """Covariance at time 1 against the closed form, by the affine map: nothing is sampled."""
    expected = LANGEVIN.variance(1.0, [0.0, 0.0])
    errors = []
    for n in STEPS:
        m, v = langevin_map(1 / n)
        covariance = np.zeros((2, 2))
        for _ in range(n):
            covariance = m @ covariance @ m.T + np.outer(v, v) / n
        errors.append(np.abs(covariance - expected).max())
    slope = -np.polyfit(np.log(STEPS), np.log(errors), 1)[0]
    assert slope == pytest.approx(sde.BAOAB.weak_order, abs=0.05)


def test_baoab_keeps_the_law_of_positions_in_a_harmonic_well_at_any_stable_step():
    """The stationary covariance S = M S M^T + h v v^T has T / omega^2 at the positions, to
    rounding; at the momenta it is off by a part (omega h)^2 / 4."""
    _, temperature, omega = LANGEVIN.parameters
    for h in (0.05, 0.4, 1.0):
        m, v = langevin_map(h)
        s = np.linalg.solve(np.eye(4) - np.kron(m, m), h * np.kron(v, v)).reshape(2, 2)
        assert s[0, 0] == pytest.approx(temperature / omega**2, rel=1e-12)
        assert s[1, 1] == pytest.approx(temperature * (1 - (omega * h) ** 2 / 4), rel=1e-12)


@njit
def _quartic_force(t, q, parameters):
    return (-q[0] * q[0] * q[0],)


@njit
def _quartic_drift(t, x, parameters):
    return x[1], -x[0] * x[0] * x[0] - parameters[0] * x[1]


@njit
def _quartic_diffusion(t, x, parameters):
    return (0.0,), (np.sqrt(2.0 * parameters[0] * parameters[1]),)


def test_baoab_takes_a_force_of_ones_own():
    """E[q^2] in the well q^4 / 4 is 2 Gamma(3/4) / Gamma(1/4) sqrt(T); the standard error of 20 000
    paths is 0.005 and the step's bias below 0.01: an error of 0.05 is caught."""
    quartic = sde.Model(
        "quartic well",
        _quartic_drift,
        _quartic_diffusion,
        parameters=(1.0, 1.0),
        dimension=2,
        additive=True,
        force=_quartic_force,
    )
    x = sde.solve(quartic, sde.BAOAB, [0.0, 0.0], 12.0, 60, 20_000, save_every=60, rng=3).x[:, -1]
    assert np.mean(x[:, 0] ** 2) == pytest.approx(2 * gamma(0.75) / gamma(0.25), abs=0.025)
    assert np.mean(x[:, 1] ** 2) == pytest.approx(1.0, abs=0.04)


# A drift that grows faster than linearly (Hutzenthaler, Jentzen, Kloeden 2011).


@njit
def _cubic(t, x, parameters):
    return -x * x * x


@njit
def _cubic_slope(t, x, parameters):
    return -3.0 * x * x


@njit
def _unit(t, x, parameters):
    return 1.0


CUBIC = sde.Model("cubic spring", _cubic, _unit, additive=True, drift_derivative=_cubic_slope)


def test_euler_maruyama_explodes_where_tamed_and_implicit_euler_stay():
    """From x = 20 with h = 1/16, |x| grows at once, as x^2 h > 2. The others come down and then
    have the moment of the stationary law, in proportion to exp(-x^4 / 2)."""
    with pytest.raises(sde.Exploded, match="5000 of 5000 paths"):
        sde.solve(CUBIC, sde.EULER_MARUYAMA, 20.0, 10.0, 160, 5000, rng=1)
    expected = np.sqrt(2) * gamma(0.75) / gamma(0.25)
    for solver in (sde.TAMED_EULER, sde.IMPLICIT_EULER):
        x = sde.solve(CUBIC, solver, 20.0, 40.0, 640, 5000, save_every=640, rng=1).x[:, -1]
        assert np.mean(x**2) == pytest.approx(expected, abs=0.06), solver.name


def test_a_tamed_drift_moves_a_state_by_less_than_one():
    c = coefficients_of(CUBIC, sde.TAMED_EULER)
    for x in (5.0, 1e3, 1e50):
        assert abs(sde.TAMED_EULER.step(c, 0.0, x, 0.1, 0.0) - x) <= 1.0


def test_an_implicit_step_solves_stiff_equations_of_several_components():
    """Against the linear system (I - h A) y = x + B dW, at h |A| of 10^4."""
    A = np.array([[-1e5, 2e4], [3e4, -5e4]])
    c = coefficients_of(sde.linear(A, np.eye(2)), sde.IMPLICIT_EULER)
    y = sde.IMPLICIT_EULER.step(c, 0.0, (1.0, -2.0), 0.1, (0.3, 0.2))
    expected = np.linalg.solve(np.eye(2) - 0.1 * A, [1.3, -1.8])
    np.testing.assert_allclose(y, expected, rtol=1e-11)


@njit
def _never_zero(t, x, parameters):
    return 10.0 + x * x


@njit
def _double(t, x, parameters):
    return 2.0 * x


def test_an_implicit_step_without_solution_is_an_error():
    model = sde.Model("blow-up", _never_zero, _unit, additive=True, drift_derivative=_double)
    with pytest.raises(sde.Exploded, match="implicit Euler found no end of a step on the blow-up"):
        sde.solve(model, sde.IMPLICIT_EULER, 0.0, 1.0, 2, rng=1)


def test_euler_maruyama_has_strong_order_one_where_the_noise_is_additive():
    model = sde.ornstein_uhlenbeck(1.5, 0.0, 1.0)
    fine = sde.solve(model, sde.EXACT, 1.0, 1.0, 2**14, 300, save_every=2**14, rng=6).x[:, -1]
    for solver in (sde.EULER_MARUYAMA, sde.EXACT):
        errors = []
        for n in STEPS[:5]:
            end = sde.solve(model, solver, 1.0, 1.0, int(n), 300, rng=6).x[:, -1]
            errors.append(np.abs(end - fine).mean())
        assert -np.polyfit(np.log(STEPS[:5]), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.12)


def test_exact_transitions_of_geometric_brownian_motion_follow_the_path():
    model = sde.geometric_brownian(0.5, 0.8)
    w = sde.brownian_paths(2.0, 8, 50, rng=2)
    paths = sde.solve(model, sde.EXACT, 1.3, 2.0, 8, 50, rng=2)
    np.testing.assert_allclose(paths.x, model.solution(paths.t, 1.3, w), rtol=1e-13)


def test_ito_and_stratonovich_differ_by_half_the_time():
    """dX = X dW has the solution exp(W - t/2), dX = X o dW has exp(W), whatever the solver."""
    w = sde.brownian_paths(1.0, 2048, 200, rng=7)[:, -1]
    for interpretation, expected in (("ito", np.exp(w - 0.5)), ("stratonovich", np.exp(w))):
        model = sde.geometric_brownian(0.0, 1.0)._replace(interpretation=interpretation)
        for solver in (sde.EULER_MARUYAMA, sde.MILSTEIN, sde.HEUN):
            rtol = 0.2 if solver.strong_order < 1 else 0.02
            end = sde.solve(model, solver, 1.0, 1.0, 2048, 200, rng=7).x[:, -1]
            np.testing.assert_allclose(end, expected, rtol=rtol)


def test_heun_without_noise_has_order_two():
    """At t = 0 ... 1 with the noise scaled away, Heun is the trapezoidal Runge-Kutta method."""
    c = Coefficients(_hyperbolic_drift, no_derivative, no_derivative, no_transition, (), 0.0)
    errors = []
    for n in (20, 40, 80):
        x = 0.2
        for i in range(n):
            x = sde.HEUN.step(c, i / n, x, 1 / n, 0.0)
        errors.append(x)
    ratio = (errors[0] - errors[1]) / (errors[1] - errors[2])
    assert ratio == pytest.approx(4.0, rel=0.1)
