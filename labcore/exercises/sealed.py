"""An exercise as a page carries it: its check works offline, and the answer is not there to read.

Each answer that the exercise knows (the right one, and each mistake with its hint) is enciphered
with a key made of the answer itself, so that only who arrives at an answer can read what is said
to it. That keeps solutions from being seen by accident. It is no secret: a program can try all
numbers.
"""

import base64
import inspect
import json
import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from labcore.exercises import GENERAL_MISTAKES, Exercise, values, verdict

_DIGITS = 10  # of the numbers in an entry
_MASK = 0xFFFFFFFF


def seal(exercise: Exercise) -> dict[str, Any] | None:
    """What the page's check needs to know of an exercise.

    Parameters
    ----------
    exercise : Exercise
        One whose answer is a number, a few numbers, a formula (it has an `expression`) or a choice.

    Returns
    -------
    dict or None
        Of a choice: ``key``, ``letters`` (of the options), ``several`` (whether more than one is
        right) and ``entries`` (from tag to cipher). Else: ``key``, ``variables`` (the names that a
        formula may use), ``inputs`` (their values, a row for each test), ``count`` (how many
        numbers are asked for), ``probe`` (which of them the key is made of), ``rtol`` and
        ``entries``. None for an exercise that is answered by more than a formula.
    """
    if exercise.options:
        return _sealed_choice(exercise)
    if callable(exercise.answer) and not exercise.expression:
        return None
    answer = values(exercise, exercise.answer)
    if max(value.ndim for value in answer) > 1:
        return None
    probe = int(np.argmax(np.abs(np.ravel(answer[0]))))
    entries: dict[str, list[str]] = {}
    for rank, (known, text) in enumerate(_known(exercise, answer)):
        if all(np.isfinite(value).all() for value in known):
            numbers = [[float(f"{x:.{_DIGITS}g}") for x in np.ravel(value)] for value in known]
            secret = secret_of(exercise.key, float(np.ravel(known[0])[probe]), exercise.rtol)
            entries.setdefault(tag(secret), []).append(_cipher([rank, numbers, text], secret))
    is_formula = callable(exercise.answer)
    inputs = exercise.inputs(np.random.default_rng(0)) if is_formula else [()]
    return {
        "key": exercise.key,
        "variables": list(inspect.signature(exercise.answer).parameters) if is_formula else [],
        "inputs": [[float(value) for value in row] for row in inputs],
        "count": int(np.size(answer[0])),
        "probe": probe,
        "rtol": exercise.rtol,
        "entries": entries,
    }


def _sealed_choice(exercise: Exercise) -> dict[str, Any]:
    """What is said to each set of options that can be chosen."""
    entries = {}
    for count in range(1, exercise.options + 1):
        for chosen in map("".join, combinations(exercise.letters, count)):
            secret = f"{exercise.key}:{chosen}"
            entries[tag(secret)] = [_cipher([0, [], verdict(exercise, chosen)], secret)]
    return {
        "key": exercise.key,
        "letters": exercise.letters,
        "several": len(exercise.answer) > 1,
        "entries": entries,
    }


def _cipher(message: list, secret: str) -> str:
    return base64.b64encode(combine(json.dumps(message).encode(), secret)).decode()


def _known(exercise: Exercise, answer: list[np.ndarray]) -> Iterator[tuple[list, str]]:
    """All answers that get a sentence of their own, in the order in which they are tried."""
    yield answer, "correct."
    for wrong, hint in exercise.mistakes:
        yield values(exercise, wrong), f"not yet. {hint}"
    for change, hint in GENERAL_MISTAKES:
        with np.errstate(all="ignore"):
            yield [np.asarray(change(value), float) for value in answer], f"not yet. {hint}"


def secret_of(key: str, number: float, rtol: float) -> str:
    """What an answer's key is made of: its sign, and its bin on a logarithmic scale.

    A bin is as wide as the tolerance, so the page looks into the two bins to either side as well.
    """
    if number == 0:
        return f"{key}:zero"
    return f"{key}:{'-' if number < 0 else '+'}{math.floor(math.log(abs(number)) / rtol)}"


def tag(secret: str) -> str:
    """What an entry is found by."""
    return f"{_hash(secret, 1):08x}{_hash(secret, 2):08x}"


def combine(content: bytes, secret: str) -> bytes:
    """`content` with a stream of bytes that `secret` determines; the same again undoes it."""
    words = (_hash(secret, 3 + i).to_bytes(4, "little") for i in range(len(content) // 4 + 1))
    return bytes(a ^ b for a, b in zip(content, b"".join(words), strict=False))


def _hash(text: str, seed: int) -> int:
    """32 bits of a text: FNV-1a, then the last mixing of MurmurHash3."""
    h = 0x811C9DC5 ^ (seed * 0x9E3779B9 & _MASK)
    for byte in text.encode():
        h = (h ^ byte) * 0x01000193 & _MASK
    h = (h ^ h >> 16) * 0x85EBCA6B & _MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & _MASK
    return h ^ h >> 16
