"""Inputs on which each export is compared: ordinary ones, and those at the edge."""

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
}
