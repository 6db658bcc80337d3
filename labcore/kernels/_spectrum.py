"""The random numbers of which frequencies are made: normal vectors, perhaps orthogonal ones."""

import numpy as np

from labcore import random

_DIRECTIONS, _NORMS, _CHOICE, _MIXING = range(4)  # streams


def spectral_draws(
    count: int, d: int, orthogonal: bool, rng: int | np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`count` normal vectors, and two uniform numbers for each."""
    seed = int(random.seed_from(rng))
    z = random.normal((count, d), rng=seed, stream=_DIRECTIONS)
    if orthogonal:
        z = _orthogonal(count, d, seed)
    choice, mixing = (random.uniform(count, rng=seed, stream=s) for s in (_CHOICE, _MIXING))
    return z, choice, mixing


def _orthogonal(count: int, d: int, seed: int) -> np.ndarray:
    """Normal vectors, orthogonal in each block of d: uniform rotations times chi variables."""
    blocks = -(-count // d)
    z = random.normal((blocks, d, d), rng=seed, stream=_DIRECTIONS)
    # Q of a QR decomposition is uniform only with the signs that make R's diagonal positive.
    q, r = np.linalg.qr(z)
    q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    norms = np.linalg.norm(random.normal((blocks * d, d), rng=seed, stream=_NORMS), axis=1)
    return (q.reshape(blocks * d, d) * norms[:, None])[:count]
