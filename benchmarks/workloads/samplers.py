"""Markov chain Monte Carlo.

Samplers are compared by what they give: `worth` is the smallest effective sample size over the
coordinates, by one function for all, so that a ratio is one of effective samples per second of
processor time, warm-up included.
"""

import math
from functools import partial
from itertools import count

import numpy as np
from numba import njit

from benchmarks.workload import Ways, peer, same_law, workload
from labcore import samplers


@workload(small={"n_samples": 500}, agree=same_law())
def metropolis(n_chains: int = 64, n_samples: int = 2000) -> Ways:
    """Random-walk Metropolis on a standard normal in 10 dimensions, many chains."""
    d = 10
    target = samplers.gaussian(np.eye(d))
    sampler = samplers.Metropolis(step_size=0.7)

    def ours():
        return samplers.sample(
            sampler, target, n_samples, n_chains=n_chains, rng=1, progress=False
        ).samples

    def log_density(x):
        return -0.5 * (x * x).sum(axis=1)

    return {"labcore": ours, "numpy, chains in step": in_step(log_density, d, n_chains, n_samples)}


def in_step(log_density, d: int, n_chains: int, n_samples: int, step_size: float = 0.7):
    """Random-walk Metropolis in NumPy, all chains in one array."""

    def run():
        generator = np.random.default_rng(1)
        x = generator.standard_normal((n_chains, d))
        value = log_density(x)
        out = np.empty((n_chains, n_samples, d))
        for i in range(n_samples):
            proposal = x + step_size * generator.standard_normal((n_chains, d))
            proposed = log_density(proposal)
            accepted = np.log(generator.random(n_chains)) < proposed - value
            x = np.where(accepted[:, None], proposal, x)
            value = np.where(accepted, proposed, value)
            out[:, i] = x
        return out

    return run


@njit
def _haario(x, parameters, gradient):
    bend = x[1] + 0.1 * x[0] * x[0] - 10.0
    return -x[0] * x[0] / 200.0 - 0.5 * bend * bend


def same_second_halves(ours: np.ndarray, theirs: np.ndarray) -> None:
    """After a burn-in the first coordinate, N(0, 100), has the same variance, to 40 %."""
    n = ours.shape[1] // 2
    np.testing.assert_allclose(theirs[:, n:, 0].var(), ours[:, n:, 0].var(), rtol=0.4)


@workload(small={"n_samples": 1000}, agree=same_second_halves, aim=25.0)
def metropolis_banana(n_chains: int = 128, n_samples: int = 4000) -> Ways:
    """Random-walk Metropolis on a banana in the plane, 128 chains."""
    target = samplers.Target("banana", 2, _haario)
    sampler = samplers.Metropolis(step_size=2.4)
    start = np.zeros((n_chains, 2))

    def ours():
        return samplers.sample(sampler, target, n_samples, start=start, rng=1, progress=False)[0]

    def log_density(x):
        return -(x[:, 0] ** 2) / 200.0 - 0.5 * (x[:, 1] + 0.1 * x[:, 0] ** 2 - 10.0) ** 2

    ways = {
        "labcore": ours,
        "numpy, chains in step": in_step(log_density, 2, n_chains, n_samples, 2.4),
    }
    if blackjax := peer("blackjax"):
        import jax

        jax.config.update("jax_enable_x64", True)

        def density(x):
            return -(x[0] ** 2) / 200.0 - 0.5 * (x[1] + 0.1 * x[0] ** 2 - 10.0) ** 2

        normal = blackjax.mcmc.random_walk.normal(2.4 * np.ones(2))
        kernel = blackjax.additive_step_random_walk(density, normal)

        def chain(key):
            keys = jax.random.split(key, n_samples)
            first = kernel.init(np.zeros(2))
            return jax.lax.scan(lambda s, k: 2 * (kernel.step(k, s)[0],), first, keys)[1].position

        run = jax.jit(jax.vmap(chain))
        ways["blackjax"] = lambda: np.asarray(run(jax.random.split(jax.random.key(1), n_chains)))
    return ways


def smallest_effective_size(samples: np.ndarray) -> float:
    """The worth of one chain's samples, shape (n, d)."""
    return float(samplers.effective_sample_size(samples[None]).min())


def same_moments(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Means agree within five of their errors, standard deviations to a quarter."""
    errors = [samplers.monte_carlo_error(x[None]) for x in (ours, theirs)]
    gap = np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / np.hypot(*errors)
    assert gap.max() < 5.0
    np.testing.assert_allclose(theirs.std(axis=0), ours.std(axis=0), rtol=0.25)


def by_nuts(target: samplers.Target, density, n_warmup: int, n_samples: int, plain=None) -> Ways:
    """One chain from (0.1, ..., 0.1); `density` is the target's, in jax.numpy.

    nutpie gets labcore's compiled density, and, where there is one, `plain`: as one would write it.
    """
    d = target.dimension
    seeds = count(1)

    def ours():
        return samplers.sample(
            samplers.NUTS(),
            target,
            n_samples,
            tune=n_warmup,
            start=np.full((1, d), 0.1),
            rng=next(seeds),
            progress=False,
        ).samples[0]

    ways = {"labcore": ours}
    if blackjax := peer("blackjax"):
        ways["blackjax"] = _by_blackjax(blackjax, density, d, n_warmup, n_samples)
    if nutpie := peer("nutpie"):
        ways["nutpie"] = _by_nutpie(nutpie, target, n_warmup, n_samples)
        if plain:
            slower = target._replace(log_density=plain)
            ways["nutpie, plain density"] = _by_nutpie(nutpie, slower, n_warmup, n_samples)
    return ways


def _by_blackjax(blackjax, density, d: int, n_warmup: int, n_samples: int):
    import jax

    jax.config.update("jax_enable_x64", True)
    keys = map(jax.random.key, count(1))

    @jax.jit
    def run(key):
        warm, draw = jax.random.split(key)
        adaptation = blackjax.window_adaptation(blackjax.nuts, density)
        (state, tuned), _ = adaptation.run(warm, np.full(d, 0.1), n_warmup)
        kernel = blackjax.nuts(density, **tuned)
        steps = jax.random.split(draw, n_samples)
        return jax.lax.scan(lambda s, k: 2 * (kernel.step(k, s)[0],), state, steps)[1].position

    return lambda: np.asarray(run(next(keys)))


def _by_nutpie(nutpie, target: samplers.Target, n_warmup: int, n_samples: int):
    from nutpie.compiled_pyfunc import from_pyfunc

    d, seeds = target.dimension, count(1)
    log_density, parameters = target.log_density, target.parameters

    @njit
    def with_gradient(x):  # labcore's own compiled density: what is compared is the sampler
        gradient = np.empty(d)
        return log_density(x, parameters, gradient), gradient

    with_gradient(np.zeros(d))
    model = from_pyfunc(
        d,
        lambda: lambda x: with_gradient(x),
        lambda *args, **options: lambda x: {"x": x},
        [np.dtype("float64")],
        [(d,)],
        ["x"],
    )

    def run():
        trace = nutpie.sample(
            model,
            draws=n_samples,
            tune=n_warmup,
            chains=1,
            cores=1,
            progress_bar=False,
            seed=next(seeds),
        )
        return np.asarray(trace.posterior["x"])[0]

    return run


@njit(fastmath=True, error_model="numpy")
def _plain_logistic(w, parameters, gradient):
    """`samplers.logistic_regression` by the formula, a column of the features after the other."""
    d = w.size
    n = (parameters.size - 1) // (d + 1)
    y, columns = parameters[1 : n + 1], parameters[n + 1 :].reshape(d, n)
    z = np.zeros(n)
    value = 0.0
    for k in range(d):
        for i in range(n):
            z[i] += w[k] * columns[k, i]
    for i in range(n):
        q = math.exp(-abs(z[i]))
        value += y[i] * z[i] - max(z[i], 0.0) - math.log(1.0 + q)
        z[i] = y[i] - (1.0 if z[i] >= 0.0 else q) / (1.0 + q)
    for k in range(d):
        total = 0.0
        for i in range(n):
            total += columns[k, i] * z[i]
        gradient[k] = total - parameters[0] * w[k]
        value -= 0.5 * parameters[0] * w[k] * w[k]
    return value


nuts_workload = partial(workload, worth=smallest_effective_size, agree=same_moments)


@nuts_workload(small={"n": 50, "d": 3, "n_samples": 400, "n_warmup": 200}, aim=4.0)
def nuts_logistic(n: int = 1000, d: int = 25, n_warmup: int = 500, n_samples: int = 1000) -> Ways:
    """NUTS on a logistic regression: effective samples per second, warm-up included."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n, d))
    weights = 0.5 * generator.standard_normal(d)
    y = (generator.random(n) < 1.0 / (1.0 + np.exp(-X @ weights))).astype(float)

    def density(w):
        from jax import numpy as jnp

        return y @ (X @ w) - jnp.logaddexp(0.0, X @ w).sum() - 0.5 * (w * w).sum()

    target = samplers.logistic_regression(X, y)
    return by_nuts(target, density, n_warmup, n_samples, _plain_logistic)


@njit(fastmath=True)
def _gaussian(x, precisions, gradient):
    value = 0.0
    for i in range(x.size):
        gradient[i] = -precisions[i] * x[i]
        value += 0.5 * x[i] * gradient[i]
    return value


@nuts_workload(small={"d": 4, "n_samples": 400, "n_warmup": 200}, aim=8.0)
def nuts_gaussian(d: int = 100, n_warmup: int = 500, n_samples: int = 1000) -> Ways:
    """NUTS on independent normals of scales 0.1 to 1: effective samples per second."""
    scales = np.logspace(-1, 0, d)
    precisions = 1.0 / scales**2

    def density(x):
        return -0.5 * (precisions * x * x).sum()

    target = samplers.Target("Gaussian", d, _gaussian, precisions)
    return by_nuts(target, density, n_warmup, n_samples)


WORKLOADS = (metropolis, metropolis_banana, nuts_logistic, nuts_gaussian)
