"""Linear equations have the covariances, transitions and posteriors of the processes they are."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm, solve_continuous_lyapunov

from labcore import kernels, processes, random

MATERN = [
    pytest.param(nu, processes.matern_process(nu, 0.7, 1.3), id=f"matern-{nu}")
    for nu in (0.5, 1.5, 2.5, 3.5, 7.5)
]
STATIONARY = [
    pytest.param(processes.matern_process(0.5, 0.7), id="matern-0.5"),
    pytest.param(processes.matern_process(2.5, 0.7, 1.3), id="matern-2.5"),
    pytest.param(processes.oscillation(3.0, 2.0), id="oscillation"),
    pytest.param(processes.oscillation(0.0, 2.0), id="constant"),
    pytest.param(processes.oscillation(3.0) * processes.matern_process(1.5, 0.7), id="hida-matern"),
    pytest.param(processes.matern_process(0.5, 0.3) + processes.matern_process(1.5, 2.0), id="sum"),
    pytest.param(
        processes.matern_process(1.5, 0.3) * processes.matern_process(2.5, 2.0), id="product"
    ),
]
ALL = [
    *STATIONARY,
    *(
        pytest.param(processes.integrated_brownian_motion(order, 0.8), id=f"integrated-{order}")
        for order in (0, 1, 3)
    ),
    pytest.param(
        processes.integrated_brownian_motion() + processes.oscillation(1.0), id="sum-with-start"
    ),
]
KERNELS = [
    pytest.param(kernels.Matern(0.5, 0.3), id="matern-0.5"),
    pytest.param(2.0 * kernels.Matern(1.5, 0.3), id="scaled"),
    pytest.param(kernels.Matern(2.5, 0.3) + 0.5, id="with-level"),
    pytest.param(kernels.Matern(0.5, 0.3) ** 2 + kernels.Matern(1.5, 1.0), id="power"),
    pytest.param(3 * kernels.Periodic(1.2, 0.8) * kernels.Matern(1.5, 2.0), id="quasi-periodic"),
]


def van_loan(process, h):
    """A and Q from one exponential of a matrix of twice the size."""
    d = process.dimension
    block = np.zeros((2 * d, 2 * d))
    block[:d, :d], block[d:, d:] = process.drift, -process.drift.T
    block[:d, d:] = process.diffusion @ process.diffusion.T
    exponential = expm(block * h)
    return exponential[:d, :d], exponential[:d, d:] @ exponential[:d, :d].T


@pytest.mark.parametrize("process", ALL)
def test_transitions_are_those_of_the_equation(process):
    durations = np.array([0.0, 0.05, 0.4, 3.0])
    matrix, noise = process.transition(durations)
    for h, a, q in zip(durations, matrix, noise, strict=True):
        expected_a, expected_q = van_loan(process, h)
        np.testing.assert_allclose(a, expected_a, atol=1e-10)
        np.testing.assert_allclose(q, expected_q, atol=1e-9)


@pytest.mark.parametrize("process", ALL)
def test_two_transitions_make_one(process):
    matrix, noise = process.transition([0.3, 0.5, 0.8])
    np.testing.assert_allclose(matrix[1] @ matrix[0], matrix[2], atol=1e-12)
    twice = matrix[1] @ noise[0] @ matrix[1].T + noise[1]
    np.testing.assert_allclose(twice, noise[2], atol=1e-12)


@pytest.mark.parametrize("process", STATIONARY)
def test_transitions_keep_the_stationary_covariance(process):
    assert process.is_stationary
    matrix, noise = process.transition([1e-3, 0.5, 20.0])
    after = matrix @ process.covariance @ matrix.transpose(0, 2, 1) + noise
    np.testing.assert_allclose(after, np.broadcast_to(process.covariance, after.shape), atol=1e-12)


@pytest.mark.parametrize(("nu", "process"), MATERN)
def test_matern_processes_solve_lyapunovs_equation(nu, process):
    noise = process.diffusion @ process.diffusion.T
    expected = solve_continuous_lyapunov(process.drift, -noise)
    np.testing.assert_allclose(process.covariance, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("nu", "process"), MATERN)
def test_the_autocovariance_is_materns_kernel(nu, process):
    lags = np.array([0.0, 1e-3, 0.2, -1.0, 5.0])
    expected = 1.3 * kernels.Matern(nu, 0.7)(lags, [0.0])[:, 0]
    np.testing.assert_allclose(process.autocovariance(lags), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("nu", "process"), MATERN)
def test_components_of_the_state_are_scaled_derivatives(nu, process):
    """F shifts each to the next but the last, at the rate of the documented power of lambda."""
    rate = np.sqrt(2 * nu) / 0.7
    d = process.dimension
    np.testing.assert_allclose(process.drift[:-1], rate * np.eye(d, k=1)[:-1])
    # the variance of derivative k is the k-th derivative of the covariance at zero: here k = 1
    if d > 1:
        mpmath.mp.dps = 30
        nu_, scale = mpmath.mpf(nu), mpmath.sqrt(2 * mpmath.mpf(nu)) / mpmath.mpf("0.7")
        slope = 1.3 * scale**2 / (2 * (nu_ - 1))
        assert process.covariance[1, 1] * rate**2 == pytest.approx(float(slope), rel=1e-12)


def test_noise_of_short_transitions_has_all_its_digits():
    """Of Matern 5/2: entry 00 is q z^5 / 20 (1 + O(z)), 1e-28 of the variance here; by mpmath."""
    process = processes.matern_process(2.5, 1.0)
    h = 1e-5
    z = np.sqrt(5.0) * h
    noise = process.transition(h).noise[0]
    with mpmath.workdps(50):
        q = mpmath.mpf(16) / 3
        responses = [
            lambda u: u**2 / 2 * mpmath.exp(-u),
            lambda u: (u - u**2 / 2) * mpmath.exp(-u),
            lambda u: (1 - 2 * u + u**2 / 2) * mpmath.exp(-u),
        ]
        for i, one in enumerate(responses):
            for j, other in enumerate(responses):
                exact = q * mpmath.quad(lambda u: one(u) * other(u), [0, mpmath.mpf(float(z))])  # noqa: B023
                assert noise[i, j] == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_and_its_state_space_have_the_same_covariance(kernel):
    process = processes.state_space(kernel, harmonics=12)
    lags = np.linspace(-1.0, 3.0, 9)
    expected = kernel(lags, [0.0])[:, 0]
    np.testing.assert_allclose(process.autocovariance(lags), expected, atol=1e-9)


def test_the_error_of_a_periodic_kernel_is_the_variance_that_is_cut_off():
    from scipy.special import ive

    for lengthscale, harmonics in ((1.0, 8), (0.5, 6)):
        process = processes.state_space(kernels.Periodic(lengthscale), harmonics=harmonics)
        lost = 2 * ive(np.arange(harmonics + 1, 60), lengthscale**-2).sum()
        assert 1.0 - process.autocovariance(0.0)[0] == pytest.approx(lost, rel=1e-4)
        if lengthscale == 1.0:
            assert lost < 1e-6


@pytest.mark.parametrize("order", [0, 1, 2])
def test_integrated_brownian_motion_has_its_covariance(order):
    """E[f(s) f(t)] = int_0^min (s - u)^p (t - u)^p du / p!^2, by quadrature."""
    process = processes.integrated_brownian_motion(order, 1.5)
    s, t = 0.7, 1.9
    at_s = process.transition(s).noise[0]
    covariance = (process.transition(t - s).matrix[0] @ at_s)[0, 0]
    nodes, weights = np.polynomial.legendre.leggauss(20)
    u = s * (nodes + 1) / 2
    integral = s / 2 * weights @ ((s - u) ** order * (t - u) ** order)
    expected = 1.5**2 * integral / [1, 1, 2][order] ** 2
    assert covariance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("process", ALL)
def test_draws_have_the_covariance_of_the_process(process):
    """10,000 draws at three times: entries within 5 of their standard errors."""
    n, t = 10_000, np.array([0.0, 0.3, 1.0])
    f = process.sample(t, n, rng=1) @ process.measurement
    expected = np.empty((3, 3))
    for i in range(3):
        matrix, noise = (part[0] for part in process.transition(t[i]))
        at = matrix @ process.covariance @ matrix.T + noise
        for j in range(i, 3):
            ahead = process.transition(t[j] - t[i]).matrix[0]
            value = process.measurement @ ahead @ at @ process.measurement
            expected[i, j] = expected[j, i] = value
    variances = np.diag(expected)
    error = np.sqrt((np.outer(variances, variances) + expected**2) / n)
    assert (np.abs(f.T @ f / n - expected) <= 5 * error).all()


def test_samples_belong_to_their_streams():
    process, t = processes.matern_process(1.5), np.array([0.0, 0.1, 0.1, 0.5])
    many = process.sample(t, 5, rng=3)
    assert np.array_equal(process.sample(t, 2, rng=3), many[:2])
    np.testing.assert_allclose(many[:, 1], many[:, 2])  # no time has passed


# ------------------------------------------------------------------------------------ regression


def data(n=60):
    t = 6.0 * random.uniform(n, rng=1)  # irregular and in no order
    t[5] = t[3]  # and measured twice
    return t, np.sin(2 * t) + 0.3 * random.normal(n, rng=2)


@pytest.mark.parametrize("kernel", KERNELS)
def test_regression_in_linear_time_is_dense_regression(kernel):
    t, y = data()
    points = np.concatenate([np.linspace(-2.0, 9.0, 30), t[:4]])
    dense = kernels.condition(kernel, t, y, noise_variance=0.09)
    fast = processes.condition(
        processes.state_space(kernel, harmonics=16), t, y, noise_variance=0.09
    )
    np.testing.assert_allclose(fast.mean(points), dense.mean(points), atol=1e-8)
    np.testing.assert_allclose(fast.sd(points), dense.sd(points), atol=1e-8)
    assert fast.log_marginal_likelihood() == pytest.approx(
        dense.log_marginal_likelihood(), abs=1e-8
    )


def test_regression_without_noise_interpolates():
    t = np.linspace(0.0, 3.0, 12)
    posterior = processes.condition(processes.matern_process(2.5), t, np.cos(t), noise_variance=0.0)
    np.testing.assert_allclose(posterior.mean(t), np.cos(t), atol=1e-9)
    assert posterior.sd(t).max() < 1e-7


def test_the_mean_under_integrated_brownian_motion_is_a_cubic_spline_from_rest():
    """Without noise: SciPy's spline through the data with f = f' = 0 at the start, and the natural
    condition at the end."""
    from scipy.interpolate import CubicSpline

    t, y = np.array([0.0, 0.5, 1.3, 2.0]), np.array([0.0, 1.0, -0.4, 0.7])
    spline = CubicSpline(t, y, bc_type=((1, 0.0), (2, 0.0)))
    posterior = processes.condition(
        processes.integrated_brownian_motion(), t, y, noise_variance=1e-12
    )
    points = np.linspace(0.0, 2.0, 21)
    np.testing.assert_allclose(posterior.mean(points), spline(points), atol=1e-8)


def test_posterior_draws_have_the_mean_and_covariance_of_the_posterior():
    """4000 draws at five points: within 5 standard errors of the dense posterior."""
    t, y = data(20)
    kernel, points = kernels.Matern(1.5, 0.8), np.array([5.5, 0.2, 3.0, 3.1, 8.0])
    process = processes.state_space(kernel)
    draws = processes.condition(process, t, y, noise_variance=0.09).sample(points, 4000, rng=1)
    dense = kernels.condition(kernel, t, y, noise_variance=0.09)
    covariance = dense.covariance(points)
    variances = np.diag(covariance)
    assert (np.abs(draws.mean(axis=0) - dense.mean(points)) < 5 * np.sqrt(variances / 4000)).all()
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / 4000)
    assert (np.abs(np.cov(draws.T) - covariance) < 5 * error).all()


@settings(deadline=None)  # the first call compiles
@given(
    t=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8),
    lengthscale=st.floats(0.1, 10.0),
    nu=st.sampled_from([0.5, 1.5, 2.5]),
)
def test_data_never_add_variance(t, lengthscale, nu):
    posterior = processes.condition(
        processes.matern_process(nu, lengthscale), t, np.zeros(len(t)), noise_variance=0.01
    )
    assert (posterior.sd(np.array([-1.0, 0.0, 2.5, 7.0])) <= 1.0 + 1e-9).all()
    assert (posterior.sd(np.array(t)) <= 0.1 + 1e-9).all()


process, brownian = processes.matern_process(0.5), processes.integrated_brownian_motion(0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: processes.matern_process(1.0), ValueError, "nu must be 1/2, 3/2"),
        (lambda: processes.matern_process(9.5), ValueError, "nu must be 1/2, 3/2"),
        (lambda: processes.matern_process(-0.5), ValueError, "nu must be positive"),
        (lambda: processes.matern_process(0.5, 0.0), ValueError, "lengthscale must be positive"),
        (lambda: processes.matern_process(0.5, 1, -1), ValueError, "variance must be positive"),
        (lambda: processes.oscillation(-1.0), ValueError, "frequency must not be negative"),
        (lambda: processes.oscillation(1.0, 0.0), ValueError, "variance must be positive"),
        (lambda: processes.integrated_brownian_motion(-1), ValueError, "order must be at least"),
        (lambda: processes.integrated_brownian_motion(1, 0), ValueError, "diffusion must be pos"),
        (lambda: processes.state_space(kernels.Gaussian()), TypeError, "no state space"),
        (lambda: processes.state_space(kernels.Matern(2.2)), ValueError, "nu must be 1/2, 3/2"),
        (
            lambda: processes.state_space(kernels.Matern(0.5, [1.0, 2.0])),
            ValueError,
            "kernel must be of one dimension",
        ),
        (
            lambda: processes.state_space(kernels.Periodic(), harmonics=-1),
            ValueError,
            "harmonics must be at least",
        ),
        (lambda: process + 1.0, TypeError, "unsupported operand"),
        (lambda: process * 2.0, TypeError, "unsupported operand"),
        (lambda: brownian * process, ValueError, "must be stationary for a product"),
        (lambda: brownian.autocovariance(1.0), ValueError, "must be stationary for a covariance"),
        (lambda: process.transition(-1.0), ValueError, "durations must not be negative"),
        (lambda: process.sample([1.0, 0.0]), ValueError, "t must hold at least one time and not"),
        (lambda: process.discretised([], 1.0), ValueError, "t must hold at least one time"),
        (lambda: process.discretised([0.0], -1.0), ValueError, "noise_variance must not be neg"),
        (
            lambda: processes.condition(process, [0.0], [1.0, 2.0], noise_variance=1.0),
            ValueError,
            "t and y must have the same length",
        ),
        (
            lambda: processes.condition(process, [], [], noise_variance=1.0),
            ValueError,
            "t must hold at least one time",
        ),
        (
            lambda: processes.condition(process, [0.0], [1.0], noise_variance=-1.0),
            ValueError,
            "noise_variance must not be negative",
        ),
        (
            lambda: processes.condition(brownian, [1.0], [1.0], noise_variance=1.0).mean([0.0]),
            ValueError,
            "points must not lie before the first time",
        ),
        (
            lambda: processes.condition(process, [0, 0], [1, 1], noise_variance=0).mean([0.0]),
            np.linalg.LinAlgError,
            "prediction of y\\[1\\] is not positive definite",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
