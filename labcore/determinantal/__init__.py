"""Determinantal point processes: exact samples of random subsets that repel."""

from labcore.determinantal.process import (
    DPP,
    FixedSizeDPP,
    k_dpp,
    l_ensemble,
    marginal_kernel,
    projection,
)
from labcore.determinantal.volume import VolumeSampling, volume_sampling

__all__ = [
    "DPP",
    "FixedSizeDPP",
    "VolumeSampling",
    "k_dpp",
    "l_ensemble",
    "marginal_kernel",
    "projection",
    "volume_sampling",
]
