"""Networks: values and derivatives of the documented formulas, the same bits however computed."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.nets import ACTIVATIONS, mlp
from labcore.nets._layers import LANES
from labcore.nets._single import exp_single, expm1_single
from labcore.nets.activations import activate, activate_with_slope
from labcore.random import normal

SHAPES = [(1, 1), (3, 2), (2, 5, 1), (3, 4, 8, 2), (5, 7, 6, 9, 4), (6, 33, 33, 6)]


def sigma(activation, z):
    """The formulas of the table in `labcore.nets.activations`, in long double precision."""
    z = z.astype(np.longdouble)
    return {
        "silu": lambda: z / (1 + np.exp(-z)),
        "tanh": lambda: np.tanh(z),
        "relu": lambda: np.maximum(z, 0),
    }[activation]()


def slope(activation, z):
    z = z.astype(np.longdouble)
    p = 1 / (1 + np.exp(-z))
    return {
        "silu": lambda: p + z * p * (1 - p),
        "tanh": lambda: (1 - np.tanh(z)) * (1 + np.tanh(z)),
        "relu": lambda: (z > 0).astype(np.longdouble),
    }[activation]()


def by_formula(network, x):
    """The composition of layers, written out once more in NumPy."""
    for number, (weights, bias) in enumerate(network.layers):
        x = x @ weights.astype(float) + bias
        if number < len(network.layers) - 1:
            x = sigma(network.activation, x).astype(float)
    return x


def instance(sizes, activation="silu", dtype=np.float64, seed=1):
    """A network whose biases are random too."""
    network = mlp(sizes, activation=activation, dtype=dtype, rng=seed)
    network.parameters[:] += 0.3 * normal(network.parameters.size, rng=seed, stream=99)
    return network


networks = st.builds(
    instance,
    st.sampled_from(SHAPES),
    st.sampled_from(ACTIVATIONS),
    seed=st.integers(0, 1000),
)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 4e-7), (np.float64, 1e-15)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_their_formulas(activation, dtype, rtol):
    z = np.concatenate([np.linspace(-30, 30, 10_001), 10.0 ** np.arange(-30, 0)]).astype(dtype)
    value, again, gradient = z.copy(), z.copy(), np.empty_like(z)
    number = ACTIVATIONS.index(activation)
    activate(number, value)
    activate_with_slope(number, again, gradient)
    assert np.array_equal(value, again)
    np.testing.assert_allclose(value, sigma(activation, z).astype(float), rtol=rtol)
    np.testing.assert_allclose(gradient, slope(activation, z).astype(float), atol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_stay_finite_and_hand_on_what_is_no_number(activation, dtype):
    z = np.array([-1e30, -1e4, 1e4, 1e30, np.nan], dtype)
    gradient = np.empty_like(z)
    expected = slope(activation, np.array([-1e4, -1e4, 1e4, 1e4]))
    with np.errstate(over="ignore"):
        activate_with_slope(ACTIVATIONS.index(activation), z, gradient)
    assert np.isfinite(z[:4]).all()
    np.testing.assert_allclose(gradient[:4], expected.astype(float), atol=1e-8)
    assert np.isnan(z[4])


def test_single_exponentials_are_exact_to_two_units_in_the_last_place():
    @numba.njit
    def both(x, out):
        for i in range(x.size):
            out[0, i], out[1, i] = exp_single(x[i]), expm1_single(x[i])

    x = np.concatenate([np.linspace(-87, 88, 100_001), np.geomspace(1e-20, 1, 1000)])
    x = np.concatenate([x, -x[-1000:]]).astype(np.float32)
    out = np.empty((2, x.size), np.float32)
    both(x, out)
    for value, exact in zip(out, (np.exp, np.expm1), strict=True):
        np.testing.assert_allclose(value, exact(x.astype(float)), rtol=2.4e-7)


@settings(max_examples=40, deadline=None)
@given(networks, st.integers(1, 2 * LANES + 3))
def test_the_values_are_the_composition_of_the_layers(network, n):
    x = normal((n, network.sizes[0]), rng=2)
    np.testing.assert_allclose(network(x), by_formula(network, x), rtol=1e-11, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(networks, st.sampled_from([1, 3, LANES + 1]))
def test_the_gradient_is_that_of_central_differences(network, n):
    """Every parameter and every input; the error of the differences is 1e-9 of the scale."""
    x, c = normal((n, network.sizes[0]), rng=3), normal((n, network.sizes[-1]), rng=4)
    if network.activation == "relu":
        x = x[np.abs(hidden_inputs(network, x)).min(axis=1) > 1e-4]  # no kink within a step
        c = c[: len(x)]
        if not len(x):
            return
    step, pullback = 1e-5, network.vjp(x, c)
    scale = 1.0 + np.abs(pullback.parameters).max()
    assert np.array_equal(pullback.values, network(x))

    def total(parameters):
        changed = instance(network.sizes, network.activation)
        changed.parameters[:] = parameters
        return (c * by_formula(changed, x)).sum()

    for i in range(network.parameters.size):
        move = np.zeros(network.parameters.size)
        move[i] = step
        numeric = (total(network.parameters + move) - total(network.parameters - move)) / (2 * step)
        assert abs(pullback.parameters[i] - numeric) < 2e-8 * scale
    for i in range(x.shape[1]):
        move = np.zeros(x.shape[1])
        move[i] = step
        change = by_formula(network, x + move) - by_formula(network, x - move)
        numeric = (c * change).sum(axis=1) / (2 * step)
        np.testing.assert_allclose(pullback.inputs[:, i], numeric, atol=2e-8 * scale)


def hidden_inputs(network, x):
    """What enters the activations, of all hidden units."""
    entering = [np.ones((len(x), 1))]
    for weights, bias in network.layers[:-1]:
        entering.append(x @ weights + bias)
        x = sigma(network.activation, entering[-1]).astype(float)
    return np.hstack(entering)


@settings(max_examples=40, deadline=None)
@given(networks)
def test_the_two_products_with_the_jacobian_are_adjoint(network):
    """c . (J u) = (J^T c) . u, point by point."""
    n, p, q = 5, network.sizes[0], network.sizes[-1]
    x, u, c = normal((n, p), rng=5), normal((n, p), rng=6), normal((n, q), rng=7)
    forward, back = network.jvp(x, u), network.vjp(x, c)
    assert np.array_equal(forward.values, network(x))
    left, right = (c * forward.tangents).sum(axis=1), (back.inputs * u).sum(axis=1)
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-11)


def jacobians(network, x):
    """J[i, a, b] = d f_a / d x_b at point i, column by column."""
    columns = [network.jvp(x, np.tile(e, (len(x), 1))).tangents for e in np.eye(x.shape[1])]
    return np.stack(columns, axis=2)


@pytest.mark.parametrize("sizes", [(3, 8, 3), (5, 9, 7, 2), (2, 2), (7, 5, 1)])
def test_the_divergence_is_the_trace_over_the_last_inputs(sizes):
    network, x = instance(sizes), normal((70, sizes[0]), rng=1)
    trace = np.trace(jacobians(network, x)[:, :, sizes[0] - sizes[-1] :], axis1=1, axis2=2)
    np.testing.assert_allclose(network.divergence(x), trace, rtol=1e-12, atol=1e-13)


def test_hutchinsons_estimate_is_unbiased_with_the_documented_variance():
    """4000 probes one at a time at one point: mean within 4 standard errors, variance to 10 %."""
    network = instance((5, 9, 7, 4))
    x = np.tile(normal((1, 5), rng=1), (4000, 1))
    draws = network.divergence(x, n_probes=1, rng=3)
    j = jacobians(network, x[:1])[0][:, 1:]
    variance = (np.triu(j + j.T, 1) ** 2).sum()
    assert abs(draws.mean() - np.trace(j)) < 4 * np.sqrt(variance / 4000)
    assert draws.var() == pytest.approx(variance, rel=0.1)
    eight = network.divergence(x, n_probes=8, rng=3)
    assert eight.var() == pytest.approx(variance / 8, rel=0.1)


def test_hutchinsons_estimate_is_exact_for_a_symmetric_part_that_is_diagonal():
    network = mlp([2, 2], dtype=np.float64, rng=1)
    network.parameters[:4] = [1.0, 2.0, -2.0, 3.0]
    assert network.divergence([[0.3, 0.4]], n_probes=1, rng=1).tolist() == [4.0]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_single_and_double_precision_agree(activation):
    double = instance((3, 64, 64, 2), activation)
    single = instance((3, 64, 64, 2), activation, np.float32)
    x, c = normal((100, 3), rng=1), normal((100, 2), rng=2)
    assert single(x).dtype == np.float32
    np.testing.assert_allclose(single(x), double(x), atol=2e-5)
    for a, b in zip(single.vjp(x, c), double.vjp(x, c), strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6 * np.abs(b).max() + 2e-5)


def test_a_value_does_not_depend_on_the_other_points_nor_on_threads():
    network = instance((3, 40, 40, 3), dtype=np.float32)
    x = normal((3000, 3), rng=1)
    together, divergence = network(x), network.divergence(x)
    assert np.array_equal(network(x[1234:1301]), together[1234:1301])
    assert np.array_equal(network.divergence(x[1234:1301]), divergence[1234:1301])
    before = numba.get_num_threads()
    try:
        for n_threads in {1, numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(n_threads)
            assert np.array_equal(network(x), together)
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2), ("silu", 2), ("tanh", 1)])
def test_initial_weights_have_the_documented_variances_and_differ_by_layer(activation, gain):
    network = mlp([200, 200, 200, 200], activation=activation, rng=1)
    for number, (weights, bias) in enumerate(network.layers):
        variance = (gain if number < 2 else 1) / 200
        assert weights.var() == pytest.approx(variance, rel=0.04)  # five standard errors
        assert (bias == 0).all()
    first, second = (weights for weights, _ in network.layers[:2])
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.025


def test_relu_signals_keep_their_size_through_layers():
    """E h^2 stays 1 for inputs of variance 1, which is what the gain of 2 is for."""
    network = mlp([256] * 7, rng=3, activation="relu")
    h = normal((500, 256), rng=1)
    for weights, _ in network.layers[:-1]:
        z = h @ weights
        assert (z**2).mean() == pytest.approx(2.0, rel=0.25)
        h = np.maximum(z, 0)


def test_no_points_have_no_values():
    network = mlp([3, 8, 2], rng=1)
    assert network(np.empty((0, 3))).shape == (0, 2)
    assert (network.vjp(np.empty((0, 3)), np.empty((0, 2))).parameters == 0).all()


NETWORK = mlp([3, 8, 2], rng=1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: mlp([3]), ValueError, "sizes must hold inputs and outputs at least"),
        (lambda: mlp([3, 0, 1]), ValueError, r"sizes\[1\] must be at least 1, got 0"),
        (lambda: mlp([3, 2.5, 1]), TypeError, r"sizes\[1\] must be an integer"),
        (lambda: mlp([3, 1], activation="sin"), ValueError, "activation must be one of"),
        (lambda: mlp([3, 1], dtype=np.int64), ValueError, "dtype must be float32 or float64"),
        (lambda: mlp([3, 1], rng=-1), ValueError, "rng must be"),
        (lambda: NETWORK(np.zeros((4, 2))), ValueError, r"x must have shape \(n, 3\), got \(4, 2"),
        (lambda: NETWORK([[0, np.nan, 0]]), ValueError, "x must be finite"),
        (
            lambda: NETWORK.vjp(np.zeros((4, 3)), np.zeros((3, 2))),
            ValueError,
            r"cotangents must have shape \(4, 2\), got \(3, 2\)",
        ),
        (
            lambda: NETWORK.jvp(np.zeros((4, 3)), np.zeros((4, 2))),
            ValueError,
            r"tangents must have shape \(4, 3\), got \(4, 2\)",
        ),
        (lambda: NETWORK.divergence(np.zeros((4, 3)), n_probes=0), ValueError, "n_probes must be"),
        (
            lambda: mlp([2, 3], rng=1).divergence(np.zeros((4, 2))),
            ValueError,
            "a divergence needs at least as many inputs as outputs, got 2 and 3",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
