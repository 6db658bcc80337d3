"""Random streams."""

from labcore.live.export import Export
from labcore.random import streams

_ADDRESS = {"seed": "uint64", "stream": "uint64", "start": "uint64"}

EXPORTS = [
    Export("random_bits", streams._fill_bits, _ADDRESS | {"out": "uint64[n]"}, ("out",)),
    Export("random_normal", streams.fill_normal, _ADDRESS | {"out": "float64[n]"}, ("out",)),
]
