"""Random streams."""

from labcore import random
from labcore.live.export import Export

_ADDRESS = {"seed": "uint64", "stream": "uint64", "start": "uint64"}

EXPORTS = [
    Export("random_bits", random._fill_bits, _ADDRESS | {"out": "uint64[n]"}, ("out",)),
    Export("random_normal", random._fill_normal, _ADDRESS | {"out": "float64[n]"}, ("out",)),
]
