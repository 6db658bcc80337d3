"""Inputs on which each export is compared: ordinary ones, and those at the edge."""

DATA = [[0.1, 0.5], [0.4, -0.3], [0.7, 1.0], [0.9, 0.2]]
GALLERY = {"n": 200, "rows": 9, "columns": 11, "span": 5.0, "seed": 3}
NOISE = {"seed": 1, "points": 129}

INPUTS = {
    "random_normal": [
        {"seed": 1, "stream": 0, "start": 0, "n": 1000},
        {"seed": 2**64 - 1, "stream": 2**63, "start": 7, "n": 1},
        {"seed": 1, "stream": 0, "start": 0, "n": 0},
    ],
    "random_bits": [
        {"seed": 1, "stream": 0, "start": 0, "n": 1000},
        {"seed": 2**64 - 1, "stream": 2**64 - 1, "start": 2**40 + 1, "n": 3},
    ],
    "five_senses": [
        {"seed": 5, "lengthscale": 0.1, "n": 40, "count": 3, "n_steps": 20, "rank": 8, "shown": 3}
    ],
    "compose_gaussians": [{"first": 0.4, "second": 0.6, "n": 201}],
    "gram_timing": [{"seed": 1, "lengthscale": 0.7, "repeats": 2, "n": 50}],
    "gp_posterior": [
        {
            "kind": kind,
            "lengthscale": 0.2,
            "noise": 0.1,
            "seed": 1,
            "data": data,
            "m": 40,
            "count": 3,
        }
        for kind in range(5)
        for data in (DATA, [[0.5, 1.0]])
    ]
    + [  # a point given twice with no noise: singular but for the jitter
        {
            "kind": 0,
            "lengthscale": 2.0,
            "noise": 0.0,
            "seed": 1,
            "data": [[0.5, 1.0], [0.5, 1.0]],
            "m": 20,
            "count": 1,
        }
    ],
    "gp_likelihood": [{"kind": kind, "noise": 0.1, "data": DATA, "count": 20} for kind in range(5)],
    "is_it_a_kernel": [
        {"power": power, "lengthscale": 0.3, "n": 20, "m": 30} for power in (1.0, 2.0, 3.5)
    ],
    "sampler_gallery": [
        GALLERY | {"sampler": s, "target": t, "shape": shape, "step_size": step_size, "n_steps": 6}
        for s in range(3)
        for t, shape, step_size in ((0, 1.0, 0.3), (1, 0.4, 0.5), (2, 4.0, 0.4), (3, 0.9, 0.3))
    ]
    + [  # steps that overshoot: nothing is accepted
        GALLERY | {"sampler": 2, "target": 3, "shape": 0.999, "step_size": 3.0, "n_steps": 50}
    ],
    "hmc_trajectory": [
        {
            "target": target,
            "shape": 0.9,
            "step_size": step_size,
            "momentum": [[2.0, 1.0]],
            "span": 4.0,
            "n": 30,
            "rows": 5,
            "columns": 7,
        }
        for target in range(4)
        for step_size in (0.1, 3.0)
    ],
    "markov_forgetting": [{"seed": 1, "barrier": 1.5, "n": 20, "n_steps": 300}],
    "stochastic_integral": [
        NOISE | {"point": point, "n_steps": n} for point, n in ((0.0, 1), (0.5, 16), (1.0, 128))
    ],
    "strong_error": [
        NOISE | {"growth": 0.5, "volatility": 1.0, "level": 3, "n_paths": 64, "levels": 6}
    ],
    "double_well": [
        NOISE
        | {
            "diffusion": 0.7,
            "t_end": t_end,
            "n_steps": n_steps,
            "n_paths": 40,
            "shown": 3,
            "bins": 61,
        }
        for t_end, n_steps in ((10.0, 128), (60.0, 20))
    ],
    "restoring": [
        NOISE | {"rate": rate, "diffusion": 1.0, "n_steps": 32, "n_paths": 20}
        for rate in (1.0, 30.0)
    ],
    "interpolant_particles": [
        {
            "seed": 1,
            "noise": noise,
            "epsilon": epsilon,
            "bias": bias,
            "components": 5,
            "n_steps": 20,
            "room": 8,
            "n_times": 11,
            "n": 30,
        }
        for noise, epsilon, bias in ((0.0, 0.0, 0.0), (1.0, 0.5, 0.3))
    ],
    "interpolant_line": [
        {
            "seed": 1,
            "noise": 0.5,
            "epsilon": 0.3,
            "gap": 2.0,
            "n_steps": 40,
            "n_times": 21,
            "rows": 31,
            "n": 10,
        }
    ],
    "interpolant_field": [
        {
            "t": t,
            "noise": 0.2,
            "components": 4,
            "probe": [[1.0, 0.5]],
            "room": 6,
            "rows": 9,
            "columns": 9,
            "arrows": 25,
        }
        for t in (0.0, 0.6, 1.0)
    ],
}
