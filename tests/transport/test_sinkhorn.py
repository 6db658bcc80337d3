"""Sinkhorn's iteration: the optimum, its rates and limits, and no cost that breaks it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment, minimize
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from labcore import random
from labcore.transport import _iteration, sinkhorn, sinkhorn_of_points
from tests.samplers.alarm import interrupted


def problem(n=30, m=40, d=2, seed=1):
    """Two clouds with random weights: their costs, and the weights."""
    x, y = random.normal((n, d), rng=seed), random.normal((m, d), rng=seed + 1) + 0.5
    a, b = random.exponential(n, rng=seed + 2), random.exponential(m, rng=seed + 3)
    return x, y, cdist(x, y, "sqeuclidean"), a / a.sum(), b / b.sum()


def reference(cost, epsilon, a, b, n_iterations, rho=math.inf, g=0.0):
    """The updates as the docstring has them, by SciPy's logsumexp."""
    tau = 1.0 if rho == math.inf else rho / (rho + epsilon)
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a)[:, None], np.log(b)
    g = np.zeros(len(b)) + g
    for i in range(n_iterations + 1):
        f = -tau * epsilon * logsumexp(log_b + (g - cost) / epsilon, axis=1)
        if i < n_iterations:
            g = -tau * epsilon * logsumexp(log_a + (f[:, None] - cost) / epsilon, axis=0)
            if rho < math.inf:
                g -= 0.5 * rho * np.log((a * np.exp(-f / rho)).sum() / (b * np.exp(-g / rho)).sum())
    return f, g


# ------------------------------------------------------------------------------ the iterates


@pytest.mark.parametrize("rho", [math.inf, 0.7])
@pytest.mark.parametrize("epsilon", [100.0, 0.5, 1e-2, 1e-4])
def test_iterates_are_those_of_the_docstring(epsilon, rho):
    _, _, cost, a, b = problem()
    penalty = None if rho == math.inf else rho
    result = sinkhorn(
        cost, epsilon, a, b, marginal_penalty=penalty, tolerance=0.0, max_iterations=60
    )
    f, g = reference(cost, epsilon, a, b, 60, rho)
    np.testing.assert_allclose(result.f, f, atol=1e-10)
    np.testing.assert_allclose(result.g, g, atol=1e-10)
    assert result.iterations == 60
    plan = a[:, None] * b * np.exp((f[:, None] + g - cost) / epsilon)
    np.testing.assert_allclose(result.plan(), plan, atol=1e-9 * plan.max() / min(epsilon, 1))


@pytest.mark.parametrize("rho", [None, 0.7])
@pytest.mark.parametrize("epsilon", [100.0, 0.3, 3e-3])
def test_with_and_without_a_stored_matrix_the_iterates_are_the_same(epsilon, rho):
    x, y, cost, a, b = problem(d=5)
    options = {"marginal_penalty": rho, "tolerance": 0.0, "max_iterations": 30}
    stored = sinkhorn(cost, epsilon, a, b, **options)
    computed = sinkhorn_of_points(x, y, epsilon, a, b, **options)
    np.testing.assert_allclose(computed.f, stored.f, atol=1e-10)
    np.testing.assert_allclose(computed.g, stored.g, atol=1e-10)
    assert computed.violation == pytest.approx(stored.violation, abs=1e-10)
    np.testing.assert_allclose(computed.plan(), stored.plan(), atol=1e-12)
    assert computed.transport_cost == pytest.approx(stored.transport_cost, rel=1e-9)


def test_no_cost_breaks_the_iteration():
    """Costs of 10^6 epsilon: the first column sums are exp(-10^6), far below what is a number."""
    _, _, cost, a, b = problem()
    cost = cost * 1e5
    result = sinkhorn(cost, 1.0, a, b, tolerance=0.0, max_iterations=40)
    f, g = reference(cost, 1.0, a, b, 40)
    np.testing.assert_allclose(result.f, f, rtol=1e-12, atol=1e-6)
    np.testing.assert_allclose(result.g, g, rtol=1e-12, atol=1e-6)


def test_a_stored_kernel_is_made_anew_when_the_potentials_have_moved_far(monkeypatch):
    """With a limit of 1.2 on the factors most iterations need it; the iterates stay the same."""
    _, _, cost, a, b = problem()
    options = {"tolerance": 0.0, "max_iterations": 25}
    expected = sinkhorn(cost, 0.02, a, b, **options)
    tight = {"float64": _iteration.Precision(1.2, -700.0)}
    monkeypatch.setattr(_iteration, "PRECISIONS", tight | {"float32": tight["float64"]})
    result = sinkhorn(cost, 0.02, a, b, **options)
    np.testing.assert_allclose(result.g, expected.g, atol=1e-11)


def test_single_precision_finds_the_marginals_to_its_tolerance():
    _, _, cost, a, b = problem(300, 200)
    double = sinkhorn(cost, 0.2, a, b, tolerance=1e-9)
    single = sinkhorn(cost, 0.2, a, b, dtype=np.float32)
    assert single.reason == "converged"
    plan = single.plan()
    assert np.abs(plan.sum(axis=0) - b).sum() < 1.2e-5
    np.testing.assert_allclose(plan, double.plan(), rtol=3e-3)
    assert single.transport_cost == pytest.approx(double.transport_cost, rel=1e-4)


# ------------------------------------------------------------------------------- the optimum


def test_the_plan_minimises_the_regularised_cost():
    """The dual maximised by BFGS, knowing nothing of the iteration."""
    _, _, cost, a, b = problem(6, 5)
    epsilon = 0.4

    def minus_dual(potentials):
        f, g = potentials[:6], potentials[6:]
        plan = a[:, None] * b * np.exp((f[:, None] + g - cost) / epsilon)
        value = a @ f + b @ g - epsilon * (plan.sum() - 1.0)
        return -value, np.concatenate([plan.sum(axis=1) - a, plan.sum(axis=0) - b])

    best = minimize(minus_dual, np.zeros(11), jac=True, options={"gtol": 1e-10})
    result = sinkhorn(cost, epsilon, a, b, tolerance=1e-12)
    assert result.value == pytest.approx(-best.fun, abs=1e-8)
    plan = result.plan()
    kl = (plan * np.log(plan / (a[:, None] * b))).sum()
    assert result.value == pytest.approx((plan * cost).sum() + epsilon * kl, abs=1e-8)
    assert result.transport_cost == pytest.approx((plan * cost).sum(), rel=1e-12)


@pytest.mark.parametrize("rho", [0.05, 1.0, 30.0])
def test_the_unbalanced_plan_minimises_its_cost(rho):
    """Primal and dual values meet: that is optimality, whatever the iteration."""
    _, _, cost, a, b = problem()
    b = 2.5 * b  # masses differ
    epsilon = 0.3
    result = sinkhorn(cost, epsilon, a, b, marginal_penalty=rho, tolerance=1e-12)
    plan = result.plan()

    def kl(p, q):
        return (p * np.log(p / q) - p + q).sum()

    primal = (plan * cost).sum() + epsilon * kl(plan, a[:, None] * b)
    primal += rho * (kl(plan.sum(axis=1), a) + kl(plan.sum(axis=0), b))
    assert result.value == pytest.approx(primal, rel=1e-9)


def test_the_dual_value_is_a_lower_bound_that_rises():
    _, _, cost, a, b = problem()
    best = sinkhorn(cost, 0.05, a, b, tolerance=1e-12).value
    values = [
        sinkhorn(cost, 0.05, a, b, tolerance=0.0, max_iterations=k).value for k in (0, 1, 3, 10, 40)
    ]
    assert (np.diff(values) > 0).all()
    assert values[-1] <= best + 1e-12


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 70),
    m=st.integers(1, 70),
    epsilon=st.floats(0.05, 20.0),
    seed=st.integers(0, 10**6),
)
def test_marginals_are_the_weights(n, m, epsilon, seed):
    _, _, cost, a, b = problem(n, m, seed=seed)
    result = sinkhorn(cost - 3.0, epsilon, a, b, tolerance=1e-9, max_iterations=100_000)
    plan = result.plan()
    assert plan.min() >= 0.0
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-9, atol=1e-12)
    assert np.abs(plan.sum(axis=0) - b).sum() == pytest.approx(result.violation, abs=1e-12)
    assert result.violation <= 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-50.0, 50.0))
def test_a_constant_cost_and_the_order_of_the_two_sets_change_nothing(seed, shift):
    _, _, cost, a, b = problem(seed=seed)
    options = {"tolerance": 1e-11}
    plan = sinkhorn(cost, 0.5, a, b, **options).plan()
    np.testing.assert_allclose(
        sinkhorn(cost + shift, 0.5, a, b, **options).plan(), plan, atol=1e-10
    )
    np.testing.assert_allclose(sinkhorn(cost.T, 0.5, b, a, **options).plan().T, plan, atol=1e-10)


# -------------------------------------------------------------------------- rates and limits


def test_each_iteration_contracts_in_hilberts_metric():
    """By the square of tanh(D / 4 epsilon), Birkhoff's bound for the two halves of it."""
    _, _, cost, a, b = problem(8, 9)
    epsilon = 5.0
    crossing = cost[:, None, :, None] + cost[None, :, None, :]
    diameter = (crossing - crossing.swapaxes(0, 1)).max()
    bound = math.tanh(diameter / (4 * epsilon)) ** 2
    assert bound < 0.97
    exact = sinkhorn(cost, epsilon, a, b, tolerance=1e-14).g
    gaps = []
    for k in range(1, 5):
        g = sinkhorn(cost, epsilon, a, b, tolerance=0.0, max_iterations=k).g
        gaps.append(np.ptp(g - exact))
    ratios = np.array(gaps[1:]) / gaps[:-1]
    assert (ratios < bound).all()
    assert ratios[-1] == pytest.approx(ratios[-2], rel=0.2)  # and the rate is linear


def test_for_small_epsilon_the_plan_is_the_assignment_and_the_bias_at_most_epsilon_log_n():
    x, y = random.normal((40, 2), rng=1), random.normal((40, 2), rng=2)
    cost = cdist(x, y, "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    exact = cost[rows, columns].mean()
    for epsilon in (1.0, 0.1, 0.01):
        result = sinkhorn(cost, epsilon, first_epsilon=4.0, max_iterations=100_000)
        assert -1e-4 < result.transport_cost - exact < epsilon * math.log(40)
    np.testing.assert_array_equal(result.plan().argmax(axis=1), columns)
    assert result.transport_cost == pytest.approx(exact, rel=4e-3)


def test_for_large_epsilon_the_plan_is_the_product():
    """Up to a relative error that falls like one over epsilon."""
    _, _, cost, a, b = problem()
    errors = [
        np.abs(sinkhorn(cost, e, a, b, tolerance=1e-14).plan() / np.outer(a, b) - 1).max()
        for e in (1e3, 1e4)
    ]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("epsilon", [0.2, 1.0, 5.0])
def test_gaussians_on_grids_have_their_closed_form(epsilon):
    """Janati, Muzellec, Peyre, Cuturi (arXiv:2006.02572, theorem 1) on the line, by quadrature.

    With the cost |x - y|^2 and epsilon times KL against the product, the plan of N(0, s^2) and
    N(c, t^2) is normal with covariance (sqrt(16 s^2 t^2 + epsilon^2) - epsilon) / 4.
    """
    s, t, c = 0.8, 1.3, 0.7
    grid = np.linspace(-11, 11, 300)
    a, b = np.exp(-0.5 * (grid / s) ** 2), np.exp(-0.5 * ((grid - c) / t) ** 2)
    result = sinkhorn_of_points(grid, grid, epsilon, a / a.sum(), b / b.sum(), tolerance=1e-11)
    root = math.sqrt(16 * s**2 * t**2 + epsilon**2)
    cross = 0.25 * (root - epsilon)
    assert result.transport_cost == pytest.approx(s**2 + t**2 - 2 * cross + c**2, rel=1e-8)
    kl = -0.5 * math.log(1 - (cross / (s * t)) ** 2)
    expected = s**2 + t**2 - 2 * cross + c**2 + epsilon * kl
    assert result.value == pytest.approx(expected, rel=1e-8)
    middle = np.abs(grid) < 2.0
    np.testing.assert_allclose(
        result.barycentric_map(grid)[middle, 0], c + cross / s**2 * grid[middle], atol=1e-6
    )


def test_penalised_marginals_tend_to_the_prescribed_ones_like_one_over_the_penalty():
    _, _, cost, a, b = problem()
    exact = sinkhorn(cost, 0.5, a, b, tolerance=1e-12).plan()
    errors = [
        np.abs(
            sinkhorn(cost, 0.5, a, b, marginal_penalty=rho, tolerance=1e-12).plan() - exact
        ).sum()
        for rho in (100.0, 1000.0)
    ]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)


def test_a_large_penalty_of_unequal_masses_does_not_cost_more_iterations():
    """Without the shift their number grows like rho / epsilon: 23, 1777 and 17714 here."""
    _, _, cost, a, b = problem(200, 200)
    counts = [
        sinkhorn(cost, 0.5, a, 2 * b, marginal_penalty=rho, tolerance=1e-8).iterations
        for rho in (1.0, 100.0, 1000.0)
    ]
    assert max(counts) < 150


def test_mass_is_destroyed_where_it_would_have_to_go_too_far():
    result = sinkhorn([[0.0, 100.0]], 0.01, [1.0], [0.5, 0.5], marginal_penalty=1.0)
    assert result.plan()[0, 1] < 1e-10
    assert result.plan()[0, 0] > 0.5


# ----------------------------------------------------------------------- weights and options


def test_points_without_weight_get_potentials_and_no_mass():
    x, y, cost, a, b = problem()
    a[[0, 7]], b[3] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    for result in (
        sinkhorn(cost, 0.1, a, b, tolerance=1e-10),
        sinkhorn_of_points(x, y, 0.1, a, b, tolerance=1e-10),
    ):
        f, g = reference(cost, 0.1, a, b, 2000)
        np.testing.assert_allclose(result.f - f, (result.f - f)[1], atol=1e-7)
        np.testing.assert_allclose(result.g - g, (result.g - g)[0], atol=1e-7)
        plan = result.plan()
        assert plan[[0, 7]].sum() == plan[:, 3].sum() == 0.0
        assert result.transport_cost == pytest.approx((plan * cost).sum(), rel=1e-10)
        assert np.isfinite(result.barycentric_map(y)).all()


def test_a_potential_to_start_from_saves_iterations():
    _, _, cost, a, b = problem()
    cold = sinkhorn(cost, 0.05, a, b)
    assert sinkhorn(cost, 0.05, a, b, start=cold.g).iterations == 1
    assert (
        sinkhorn(cost, 0.05, a, b, start=cold.g, max_iterations=0, tolerance=0.0).violation < 1e-6
    )


def test_larger_epsilons_first_save_iterations_and_end_at_the_same_plan():
    _, _, cost, a, b = problem(100, 100)
    cold = sinkhorn(cost, 0.01, a, b, tolerance=1e-3)
    warm = sinkhorn(cost, 0.01, a, b, tolerance=1e-3, first_epsilon=5.0)
    assert warm.iterations < 0.6 * cold.iterations
    np.testing.assert_allclose(warm.plan(), cold.plan(), atol=1e-3)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    x, y = random.normal((700, 3), rng=1), random.normal((600, 3), rng=2)
    cost = cdist(x, y, "sqeuclidean")
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(_iteration, "get_num_threads", lambda threads=threads: threads)
        for solve in (
            lambda **o: sinkhorn(cost, 0.3, **o),
            lambda **o: sinkhorn(cost, 0.3, dtype=np.float32, **o),
            lambda **o: sinkhorn_of_points(x, y, 0.3, **o),
        ):
            r = solve(tolerance=0.0, max_iterations=4)
            results.append((r.f, r.g, r.violation, r.transport_cost))
    for one, three in zip(results[:3], results[3:], strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(one, three, strict=True))


def test_it_says_that_it_has_not_converged():
    _, _, cost, a, b = problem()
    with pytest.warns(UserWarning, match=r"stopped \(iterations\) after 3 steps at violation"):
        result = sinkhorn(cost, 0.01, a, b, max_iterations=3)
    assert result.reason == "iterations"
    assert np.abs(result.plan().sum(axis=0) - b).sum() == pytest.approx(result.violation)


def test_an_interruption_returns_a_plan_whose_violation_is_known():
    _, _, cost, a, b = problem(100, 100)
    sinkhorn(cost, 1e-3, a, b, tolerance=0.0, max_iterations=3)  # compiled before the alarm is set
    result = interrupted(
        lambda: sinkhorn(
            cost, 1e-3, a, b, tolerance=1e-15, max_iterations=10**9, progress=False, first_epsilon=1
        ),
        r"stopped \(interrupted\)",
    )
    assert result.reason == "interrupted"
    plan = result.plan()
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-8)
    assert np.abs(plan.sum(axis=0) - b).sum() == pytest.approx(result.violation, rel=1e-6)


ONE = np.ones((1, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sinkhorn([[0.0, np.nan]], 1.0), r"cost must be finite, got nan at \[0, 1\]"),
        (lambda: sinkhorn([[0.0, np.inf]], 1.0), "cost must be finite, got inf"),
        (lambda: sinkhorn([0.0, 1.0], 1.0), "cost must have 2 dimensions"),
        (lambda: sinkhorn(np.empty((0, 3)), 1.0), "a must weigh at least one point"),
        (lambda: sinkhorn(np.empty((3, 0)), 1.0), "b must weigh at least one point"),
        (lambda: sinkhorn(ONE, 0.0), "epsilon must be positive"),
        (lambda: sinkhorn([[0.0, 1e300]], 1e-20), "epsilon must be above 1e-12 of the costs"),
        (lambda: sinkhorn(ONE, 1.0, [-1.0], [-1.0]), "a must not be negative, got -1"),
        (lambda: sinkhorn(ONE, 1.0, [0.0]), "a must not be all zero"),
        (lambda: sinkhorn(ONE, 1.0, [np.nan]), "a must be finite"),
        (lambda: sinkhorn(ONE, 1.0, None, [0.5, 0.5]), "b must hold 1 weights"),
        (lambda: sinkhorn(ONE, 1.0, [1.0], [1.1]), "same sum, got 1 and 1.1: .* marginal_penalty"),
        (lambda: sinkhorn(ONE, 1.0, marginal_penalty=0.0), "marginal_penalty must be positive"),
        (lambda: sinkhorn(ONE, 1.0, tolerance=-1.0), "tolerance must not be negative"),
        (lambda: sinkhorn(ONE, 1.0, max_iterations=-1), "max_iterations must be at least 0"),
        (lambda: sinkhorn(ONE, 1.0, start=[0.0, 1.0]), "start must hold 1 numbers, got 2"),
        (lambda: sinkhorn(ONE, 1.0, first_epsilon=0.5), "first_epsilon must be at least epsilon"),
        (lambda: sinkhorn(ONE, 1.0, dtype=np.int64), "dtype must be float64 or float32, got int64"),
        (lambda: sinkhorn_of_points([0.0], [np.inf], 1.0), "y must be finite"),
        (lambda: sinkhorn_of_points([[0.0]], [[0.0, 1.0]], 1.0), "same dimension, at least 1, got"),
        (lambda: sinkhorn_of_points(np.empty((2, 0)), np.empty((2, 0)), 1.0), "same dimension"),
        (lambda: sinkhorn(ONE, 1.0).barycentric_map([0.0, 1.0]), "y must hold 1 points, got 2"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
