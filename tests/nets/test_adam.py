"""Adam is its published recursion; rates rise and fall as documented."""

import numpy as np
import pytest

from labcore.nets import Adam, cosine
from labcore.random import normal


def transcription(theta, gradients, rate, b1=0.9, b2=0.999, eps=1e-8, decay=0.0, clip=np.inf):
    """Algorithm 1 of Kingma and Ba and algorithm 2 of Loshchilov and Hutter, in NumPy."""
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, g in enumerate(gradients, start=1):
        g = g * min(1.0, clip / np.linalg.norm(g))
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1**t)
        v_hat = v / (1 - b2**t)
        theta = theta - rate(t - 1) * (m_hat / (np.sqrt(v_hat) + eps) + decay * theta)
    return theta


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 2e-4)])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="default"),
        pytest.param({"betas": (0.5, 0.8), "epsilon": 1e-3}, id="betas"),
        pytest.param({"decay": 0.1}, id="decay"),
        pytest.param({"clip": 2.0}, id="clip"),
    ],
)
def test_adam_is_the_published_recursion(options, dtype, rtol):
    start = normal(37, rng=1).astype(dtype)
    gradients = (normal((30, 37), rng=2) * np.linspace(0.01, 2, 30)[:, None]).astype(dtype)
    adam = Adam(cosine(0.1, 25, warmup=5), **options)
    state = adam.start(start)
    for gradient in gradients:
        state = adam.update(state, gradient)
    (b1, b2) = options.get("betas", (0.9, 0.999))
    expected = transcription(
        start.astype(float),
        gradients.astype(float),
        cosine(0.1, 25, warmup=5),
        *(b1, b2, options.get("epsilon", 1e-8)),
        *(options.get("decay", 0.0), options.get("clip", np.inf)),
    )
    assert state.step == 30
    assert state.parameters.dtype == dtype
    np.testing.assert_allclose(state.parameters, expected, rtol=rtol, atol=rtol)


def test_the_first_step_is_the_rate_whatever_the_size_of_the_gradient():
    adam = Adam(0.01)
    for size in (1e-5, 1.0, 1e5):
        state = adam.update(adam.start(np.zeros(2)), [size, -size])
        np.testing.assert_allclose(state.parameters, [-0.01, 0.01], rtol=2e-3)


def test_an_update_leaves_the_state_and_the_gradient_that_it_is_given():
    adam, gradient = Adam(0.1, clip=0.1), np.ones(3)
    state = adam.start(np.ones(3))
    adam.update(state, gradient)
    assert (state.parameters == 1).all()
    assert (state.mean == 0).all()
    assert (gradient == 1).all()


def test_a_gradient_is_clipped_only_beyond_the_length_that_is_allowed():
    gradient = np.array([3.0, 4.0])
    for clip, factor in ((1.0, 0.2), (5.0, 1.0), (50.0, 1.0)):
        adam = Adam(0.1, clip=clip)
        mean = adam.update(adam.start(np.zeros(2)), gradient).mean
        np.testing.assert_allclose(mean, 0.1 * factor * gradient, rtol=1e-14)


def test_the_cosine_rises_on_a_line_and_falls_to_its_last_value():
    rate = cosine(2.0, 110, warmup=10, last=0.5)
    values = np.array([rate(step) for step in range(130)])
    np.testing.assert_allclose(values[:10], 0.2 * np.arange(1, 11))
    k = np.arange(10, 110)
    np.testing.assert_allclose(values[10:110], 1.25 + 0.75 * np.cos(np.pi * (k - 10) / 100))
    assert (values[110:] == 0.5).all()
    assert cosine(1.0, 5, warmup=5)(4) == 1.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Adam(-1.0), ValueError, "rate must not be negative, got -1"),
        (lambda: Adam(betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be from 0 up to below 1"),
        (lambda: Adam(betas=(-0.1, 0.9)), ValueError, r"betas\[0\] must be from 0"),
        (lambda: Adam(betas=(0.9,)), ValueError, "betas must be two numbers"),
        (lambda: Adam(epsilon=0.0), ValueError, "epsilon must be positive"),
        (lambda: Adam(decay=-1.0), ValueError, "decay must not be negative"),
        (lambda: Adam(clip=0.0), ValueError, "clip must be positive"),
        (lambda: Adam().start([[1.0]]), ValueError, "parameters must be finite float32 or float64"),
        (lambda: Adam().start([1, 2]), ValueError, "parameters must be finite .* got int64"),
        (lambda: Adam().start([np.nan]), ValueError, "parameters must be finite"),
        (
            lambda: Adam().update(Adam().start([1.0]), [1.0, 2.0]),
            ValueError,
            r"gradient must be finite numbers of shape \(1,\)",
        ),
        (lambda: Adam().update(Adam().start([1.0]), [np.inf]), ValueError, "gradient must be fini"),
        (
            lambda: Adam(lambda step: -1.0).update(Adam().start([1.0]), [1.0]),
            ValueError,
            r"rate\(0\) must not be negative",
        ),
        (lambda: cosine(-1.0, 10), ValueError, "peak must not be negative"),
        (lambda: cosine(1.0, 10, last=-1.0), ValueError, "last must not be negative"),
        (lambda: cosine(1.0, 10, warmup=11), ValueError, "warmup must be at most n_steps = 10"),
        (lambda: cosine(1.0, 0), ValueError, "n_steps must be at least 1"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
