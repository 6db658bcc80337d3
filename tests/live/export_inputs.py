"""Inputs on which each export is compared: ordinary ones, and those at the edge."""

DATA = [[0.1, 0.5], [0.4, -0.3], [0.7, 1.0], [0.9, 0.2]]
GALLERY = {
    "n": 200,
    "rows": 9,
    "columns": 11,
    "span": 5.0,
    "seed": 3,
    "x": [-3.0, -0.5, 0.0, 2.0],
}
NOISE = {"seed": 1, "points": 129}
GRID = {"x": [j / 39 for j in range(40)], "truth": [j / 39 for j in range(40)]}

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
        {"seed": 5, "lengthscale": lengthscale, "n": 40, "count": 50, "n_steps": 200, "rank": 8}
        for lengthscale in (0.02, 0.1)
    ],
    "karhunen_loeve": [{"seed": 2, "lengthscale": 0.1, "n": 40, "rank": 20}],
    "compose_kernels": [
        {"first_shape": shape, "first": 0.4, "second_shape": 3 - shape, "second": 0.6, "n": 321}
        for shape in range(4)
    ],
    "compose_copies": [
        {"shape": shape, "spacing": 0.1, "n": 160, "room": 640, "most": 4, "width": 160}
        for shape in range(4)
    ],
    "bayesian_inverse": [
        {"noise": noise, "datum": datum, "n": 50} for noise, datum in ((0.15, 0.45), (0.02, 1.0))
    ],
    "gram_timing": [
        {"seed": 1, "lengthscale": 0.3, "method": method, "entries": 2 * 51**2, "n": 51}
        for method in range(4)
    ],
    "gp_posterior": [
        {
            "kind": kind,
            "lengthscale": 0.2,
            "noise": 0.1,
            "seed": 1,
            "data": data,
            **GRID,
            "count": 3,
        }
        for kind in range(4)
        for data in (DATA, [[0.5, 1.0]])
    ]
    + [  # a point given twice with no noise: singular but for the jitter
        {
            "kind": 0,
            "lengthscale": 2.0,
            "noise": 0.0,
            "seed": 1,
            "data": [[0.5, 1.0], [0.5, 1.0]],
            **GRID,
            "count": 1,
        }
    ],
    "gp_likelihood": [
        {
            "kind": kind,
            "lengthscale": 0.3,
            "noise": 0.1,
            "data": DATA,
            "x": GRID["x"],
            "lengthscales": [0.02, 0.1, 0.2, 0.4, 0.8, 1.6],
        }
        for kind in range(4)
    ],
    "is_it_a_kernel": [{"power": p, "span": 3.0, "n": 20, "m": 31} for p in (1.0, 2.0, 3.5)],
    "kernel_smoothness": [
        {
            "kind": kind,
            "lengthscale": 0.5,
            "seed": 2,
            "x": GRID["x"],
            "omega": [0.1, 1.0, 10.0, 100.0],
            "rows": 3,
        }
        for kind in range(4)
    ],
    "sampler_gallery": [
        GALLERY
        | {
            "sampler": s,
            "target": t,
            "difficulty": difficulty,
            "step_size": step_size,
            "n_steps": 6,
        }
        for s in range(3)
        for t, difficulty, step_size in ((0, 1.0, 0.3), (1, 0.4, 0.5), (2, 0.7, 0.4), (3, 0.9, 0.3))
    ]
    + [  # steps that overshoot: nothing is accepted
        GALLERY | {"sampler": 2, "target": 3, "difficulty": 1.0, "step_size": 3.0, "n_steps": 50}
    ],
    "hmc_trajectory": [
        {
            "target": target,
            "difficulty": 0.9,
            "step_size": step_size,
            "n_steps": 29,
            "ends": [[1.0, 0.5], [2.0, 1.0]],
            "span": 4.0,
            "n": 35,
            "rows": 5,
            "columns": 7,
        }
        for target in range(4)
        for step_size in (0.1, 3.0)
    ],
    "markov_forgetting": [
        {"seed": 1, "barrier": barrier, "start": 5, "shown": 100, "n": 20, "n_steps": 300}
        for barrier in (0.5, 1.5, 6.0)
    ],
    "brownian_zoom": [
        {"seed": 1, "stream": 0, "doublings": doublings, "points": 1025, "shown": 65}
        for doublings in (0.0, 1.5, 4.0)
    ],
    "stochastic_integral": [
        NOISE | {"point": point, "n_steps": n, "n_paths": 40, "shown": 33}
        for point, n in ((0.0, 1), (0.5, 16), (1.0, 128))
    ],
    "strong_error": [
        NOISE | {"growth": 0.5, "volatility": volatility, "level": 3, "n_paths": 64, "levels": 6}
        for volatility in (1.0, 0.0)
    ],
    "double_well": [
        NOISE
        | {
            "diffusion": 0.7,
            "t_end": 12.8,
            "step_size": step_size,
            "n_paths": 40,
            "shown": 3,
            "bins": 61,
        }
        for step_size in (0.1, 0.3, 1.6)
    ],
    "double_well_law": [
        NOISE
        | {
            "diffusion": diffusion,
            "t_end": 6.4,
            "n_steps": 128,
            "n_paths": 40,
            "frames": 17,
            "cells": 111,
        }
        for diffusion in (0.7, 0.9)
    ],
    "restoring": [
        NOISE | {"rate": rate, "diffusion": 1.0, "step_size": step_size, "n_paths": 20, "shown": 5}
        for rate, step_size in ((1.0, 0.125), (30.0, 0.5))
    ],
    "interpolant_particles": [
        {
            "seed": 1,
            "epsilon": epsilon,
            "bias": bias,
            "components": 5,
            "n_steps": n_steps,
            "groups": 4,
            "room": 8,
            "n_times": 11,
            "n": 30,
        }
        for epsilon, bias, n_steps in ((0.0, 0.0, 20), (0.5, 0.3, 20), (0.5, 0.0, 4))
    ],
    "interpolant_line": [
        {
            "seed": 1,
            "noise": noise,
            "epsilon": 0.3,
            "error": error,
            "n_steps": n_steps,
            "modes": [-1.5, 1.5],
            "shares": [0.3, 0.7],
            "within": 0.15,
            "n_times": 21,
            "rows": 31,
            "n": 10,
        }
        for noise, error, n_steps in ((0.5, 0.0, 40), (0.0, 1.0, 40), (0.5, 0.0, 3))
    ],
    "interpolant_field": [
        {
            "t": t,
            "seed": 1,
            "components": 4,
            "probe": [[1.0, 0.5]],
            "room": 6,
            "rows": 9,
            "columns": 9,
            "arrows": 25,
            "n": 40,
        }
        for t in (0.0, 0.6, 0.95)
    ],
}
