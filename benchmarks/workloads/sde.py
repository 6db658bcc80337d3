"""Stochastic differential equations."""

import numpy as np

from benchmarks.workload import Cost, Ways, peer, same_law, workload
from labcore import sde

GROWTH, VOLATILITY = 0.05, 0.2


@workload(
    small={"n_paths": 4000, "n_steps": 100},
    agree=same_law(),
    aim=8.0,
    cost=lambda n_paths, n_steps: Cost(normals=n_paths * n_steps),
    threads=(1, 2),
    rounds=3,
)
def euler_maruyama(n_paths: int = 100_000, n_steps: int = 1000) -> Ways:
    """Euler-Maruyama on the double well, end points only."""
    model = sde.double_well()
    h = 5.0 / n_steps

    def ours():
        return sde.solve(
            model, sde.EULER_MARUYAMA, 0.0, 5.0, n_steps, n_paths, save_every=n_steps, rng=1
        ).x[:, -1]

    def all_paths_at_once():
        generator = np.random.default_rng(1)
        x = np.zeros(n_paths)
        for _ in range(n_steps):
            noise = generator.standard_normal(n_paths)
            x = x + h * (x - x * x * x) + np.sqrt(h) * 0.7 * noise
        return x

    ways = {"labcore": ours, "numpy, paths in step": all_paths_at_once}
    if jax := peer("jax"):
        jax.config.update("jax_enable_x64", True)

        @jax.jit
        def run(key):
            def step(i, x):
                noise = jax.random.normal(jax.random.fold_in(key, i), (n_paths,))
                return x + h * (x - x * x * x) + np.sqrt(h) * 0.7 * noise

            return jax.lax.fori_loop(0, n_steps, step, jax.numpy.zeros(n_paths))

        ways["jax"] = lambda: np.asarray(run(jax.random.key(1)))
    return ways


@workload(
    small={"n_paths": 4000, "n_steps": 100},
    agree=same_law(),
    aim=4.0,
    cost=lambda n_paths, n_steps: Cost(normals=n_paths * n_steps),
    threads=(1, 2),
    rounds=3,
)
def euler_maruyama_single(n_paths: int = 100_000, n_steps: int = 1000) -> Ways:
    """Euler-Maruyama on the double well in float32, end points only."""
    model = sde.double_well()
    h = 5.0 / n_steps

    def ours():
        options = {"save_every": n_steps, "dtype": np.float32, "rng": 1}
        paths = sde.solve(model, sde.EULER_MARUYAMA, 0.0, 5.0, n_steps, n_paths, **options)
        return paths.x[:, -1].astype(float)

    def all_paths_at_once():
        generator = np.random.default_rng(1)
        x, scale = np.zeros(n_paths, np.float32), np.float32(0.7 * np.sqrt(h))
        for _ in range(n_steps):
            noise = generator.standard_normal(n_paths, dtype=np.float32)
            x = x + np.float32(h) * (x - x * x * x) + scale * noise
        return x.astype(float)

    ways = {"labcore": ours, "numpy, paths in step": all_paths_at_once}
    if torch := peer("torch"):

        def theirs():
            torch.manual_seed(1)
            x, scale = torch.zeros(n_paths), 0.7 * float(np.sqrt(h))
            for _ in range(n_steps):
                x = x + h * (x - x * x * x) + scale * torch.randn(n_paths)
            return x.numpy().astype(float)

        ways["torch"] = theirs
    return ways


@workload(
    small={"n_paths": 4000, "n_steps": 50},
    agree=same_law(),
    aim=7.0,
    cost=lambda n_paths, n_steps: Cost(normals=n_paths * n_steps),
    rounds=3,
)
def milstein(n_paths: int = 100_000, n_steps: int = 1000) -> Ways:
    """Milstein's method on geometric Brownian motion, end points only."""
    model = sde.geometric_brownian(GROWTH, VOLATILITY)

    def ours():
        return sde.solve(
            model, sde.MILSTEIN, 1.0, 1.0, n_steps, n_paths, save_every=n_steps, rng=1
        ).x[:, -1]

    def all_paths_at_once():
        generator = np.random.default_rng(1)
        h, x = 1.0 / n_steps, np.ones(n_paths)
        for _ in range(n_steps):
            dw = np.sqrt(h) * generator.standard_normal(n_paths)
            second = 0.5 * VOLATILITY**2 * x * (dw * dw - h)
            x = x + GROWTH * x * h + VOLATILITY * x * dw + second
        return x

    return {"labcore": ours, "numpy, paths in step": all_paths_at_once}


@workload(
    small={"n_paths": 4000, "n_steps": 10},
    agree=same_law(),
    aim=10.0,
    cost=lambda n_paths, n_steps: Cost(normals=2 * n_paths * n_steps),
    rounds=3,
)
def stochastic_runge_kutta(n_paths: int = 100_000, n_steps: int = 100) -> Ways:
    """Strong order 3/2 (SRIW1; torchsde: SRID2 in float32) on geometric Brownian motion."""
    model = sde.geometric_brownian(GROWTH, VOLATILITY)

    def ours():
        return sde.solve(model, sde.SRIW1, 1.0, 1.0, n_steps, n_paths, save_every=n_steps, rng=1).x[
            :, -1
        ]

    ways = {"labcore": ours}
    torch, torchsde = peer("torch"), peer("torchsde")
    if torch and torchsde:

        class Geometric(torch.nn.Module):
            noise_type, sde_type = "diagonal", "ito"

            def f(self, t, x):
                return GROWTH * x

            def g(self, t, x):
                return VOLATILITY * x

        def theirs():
            torch.manual_seed(1)
            start, times = torch.ones(n_paths, 1), torch.tensor([0.0, 1.0])
            with torch.no_grad():
                x = torchsde.sdeint(Geometric(), start, times, dt=1.0 / n_steps, method="srk")
            return x[-1, :, 0].numpy().astype(float)

        ways["torchsde"] = theirs
    return ways


WORKLOADS = (euler_maruyama, euler_maruyama_single, milstein, stochastic_runge_kutta)
