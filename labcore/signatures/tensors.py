r"""The truncated tensor algebra, in which signatures live: words, products, exponential, logarithm.

An element is a sum of tensors of levels 0 to N over :math:`\mathbb R^d`: one array with level 0 (a
number) first, then the d coefficients of level 1, and so on; within a level the words
:math:`w = (i_1, \dots, i_k)` of letters 0 to d - 1 are in lexicographic order.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np

from labcore import _validate as validate


def tensor_size(d: int, depth: int) -> int:
    r"""The number of coefficients of levels 0 to N = `depth`: :math:`1 + d + \dots + d^N`.

    Parameters
    ----------
    d, depth : int

    Returns
    -------
    int

    Raises
    ------
    ValueError, TypeError
        If `d` is not a positive integer or `depth` a non-negative one.

    Examples
    --------
    >>> tensor_size(3, 5)
    364
    """
    return level_starts(validate.integer("d", d, 1), validate.integer("depth", depth))[-1]


def level_starts(d: int, depth: int) -> list[int]:
    """Where the levels 0 to `depth` begin, and where the last ends."""
    starts = [0]
    for k in range(depth + 1):
        starts.append(starts[-1] + d**k)
    return starts


def words(d: int, depth: int) -> list[tuple[int, ...]]:
    """All words of at most `depth` letters 0 to d - 1, in the order of the coefficients.

    Parameters
    ----------
    d, depth : int

    Returns
    -------
    list of tuple of int

    Raises
    ------
    ValueError, TypeError
        As `tensor_size`.

    Examples
    --------
    >>> words(2, 2)
    [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]
    """
    d, depth = validate.integer("d", d, 1), validate.integer("depth", depth)
    return [word for k in range(depth + 1) for word in product(range(d), repeat=k)]


def word_index(word: Sequence[int], d: int) -> int:
    """The place of a word's coefficient, the inverse of `words`.

    Parameters
    ----------
    word : sequence of int
        Letters from 0 to d - 1.
    d : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If a letter is not from 0 to d - 1.

    Examples
    --------
    >>> word_index((1, 0), 2)
    5
    """
    d, word = validate.integer("d", d, 1), tuple(word)
    index = 0
    for letter in word:
        if not 0 <= letter < d:
            raise ValueError(f"word must have letters from 0 to {d - 1}, got {word}")
        index = index * d + letter
    return level_starts(d, len(word))[-2] + index


def lyndon_words(d: int, depth: int) -> list[tuple[int, ...]]:
    """The words that come before all their rotations, of 1 to `depth` letters 0 to d - 1.

    There are as many of length k as the free Lie algebra has dimensions at level k.

    Parameters
    ----------
    d, depth : int

    Returns
    -------
    list of tuple of int
        By length, and in lexicographic order within one.

    Raises
    ------
    ValueError, TypeError
        As `tensor_size`.

    References
    ----------
    J.-P. Duval, "Génération d'une section des classes de conjugaison et arbre des mots de Lyndon
    de longueur bornée", Theoretical Computer Science 60 (1988). doi:10.1016/0304-3975(88)90113-2

    Examples
    --------
    >>> lyndon_words(2, 3)
    [(0,), (1,), (0, 1), (0, 0, 1), (0, 1, 1)]
    """
    d, depth = validate.integer("d", d, 1), validate.integer("depth", depth)
    found, word = [], [-1]
    while word and depth:
        word[-1] += 1
        found.append(tuple(word))
        word = [word[i % len(word)] for i in range(depth)]
        while word and word[-1] == d - 1:
            word.pop()
    return sorted(found, key=lambda w: (len(w), w))


def shuffle_product(u: Sequence[int], v: Sequence[int]) -> Counter:
    r"""The shuffles of two words, counted: all ways to interleave them, each word in its order.

    Signatures turn it into a product of numbers, :math:`S^u S^v = \sum_w c_w S^w` over the shuffles
    w with their counts :math:`c_w`.

    Parameters
    ----------
    u, v : sequence of int

    Returns
    -------
    collections.Counter
        From words to counts; the counts add up to :math:`\binom{|u| + |v|}{|u|}`, with which the
        cost grows.

    References
    ----------
    R. Ree, "Lie elements and an algebra associated with shuffles", Annals of Mathematics 68
    (1958). doi:10.2307/1970243

    Examples
    --------
    >>> sorted(shuffle_product((0,), (0, 1)).items())
    [((0, 0, 1), 2), ((0, 1, 0), 1)]
    """
    return Counter(dict(_shuffles(tuple(u), tuple(v))))


@cache
def _shuffles(u: tuple[int, ...], v: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], int], ...]:
    if not u or not v:
        return ((u + v, 1),)
    total = Counter()
    for word, count in _shuffles(u[:-1], v):
        total[(*word, u[-1])] += count
    for word, count in _shuffles(u, v[:-1]):
        total[(*word, v[-1])] += count
    return tuple(total.items())


def tensor_product(a: np.ndarray, b: np.ndarray, d: int) -> np.ndarray:
    r"""The product of two elements, cut off at their depth.

    .. math:: (a \otimes b)^w = \sum_{uv = w} a^u\, b^v

    By Chen's identity the product of the signatures of two paths is that of one after the other.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        Elements of one depth; the leading dimensions are broadcast.
    d : int
        The number of letters.

    Returns
    -------
    numpy.ndarray, shape (..., size)

    Raises
    ------
    ValueError
        If the sizes differ, or belong to no depth.

    Examples
    --------
    >>> tensor_product([1.0, 2.0, 2.0], [1.0, 1.0, 0.5], 1)
    array([1. , 3. , 4.5])
    """
    d = validate.integer("d", d, 1)
    a, b = _element("a", a, d), _element("b", b, d)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"a and b must be of one depth, got shapes {a.shape} and {b.shape}")
    return _product(a, b, d)


def tensor_exp(a: np.ndarray, d: int) -> np.ndarray:
    r"""The exponential :math:`\sum_k a^{\otimes k} / k!` of an element without level 0.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Its first coefficient is 0.
    d : int

    Returns
    -------
    numpy.ndarray, shape (..., size)

    Raises
    ------
    ValueError
        If level 0 is not 0, or the size belongs to no depth.

    Examples
    --------
    >>> tensor_exp([0.0, 2.0, 0.0], 1)  # the signature of a straight line
    array([1., 2., 2.])
    """
    d = validate.integer("d", d, 1)
    a = _element("a", a, d)
    if np.any(a[..., 0] != 0.0):
        raise ValueError(f"a must be 0 at level 0, got {a[..., 0]}")
    result = one = _one(a)
    for k in range(_depth(a, d), 0, -1):
        result = one + _product(a, result, d) / k
    return result


def tensor_log(a: np.ndarray, d: int) -> np.ndarray:
    r"""The logarithm :math:`\sum_{k \ge 1} (-1)^{k+1} (a - 1)^{\otimes k} / k`.

    It is the inverse of `tensor_exp`. That of a signature is a Lie element: it has no more free
    coefficients than there are Lyndon words (see `log_signature`).

    Parameters
    ----------
    a : array_like, shape (..., size)
        Its first coefficient is 1.
    d : int

    Returns
    -------
    numpy.ndarray, shape (..., size)

    Raises
    ------
    ValueError
        If level 0 is not 1, or the size belongs to no depth.

    Examples
    --------
    >>> tensor_log([1.0, 2.0, 2.0], 1)
    array([0., 2., 0.])
    """
    d = validate.integer("d", d, 1)
    a = _element("a", a, d)
    if np.any(a[..., 0] != 1.0):
        raise ValueError(f"a must be 1 at level 0, got {a[..., 0]}")
    one = _one(a)
    x = a - one
    result = np.zeros_like(a)
    for k in range(_depth(a, d), 0, -1):  # x (1 - x (1/2 - x (1/3 - ...)))
        result = _product(x, one / k - result, d)
    return result


def _product(a: np.ndarray, b: np.ndarray, d: int) -> np.ndarray:
    starts = level_starts(d, _depth(a, d))
    batch = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    out = np.zeros((*batch, a.shape[-1]))
    for k in range(len(starts) - 1):
        level = out[..., starts[k] : starts[k + 1]]
        for j in range(k + 1):
            left = a[..., starts[j] : starts[j + 1], None]
            right = b[..., None, starts[k - j] : starts[k - j + 1]]
            level += (left * right).reshape(*batch, -1)
    return out


def _one(a: np.ndarray) -> np.ndarray:
    one = np.zeros_like(a)
    one[..., 0] = 1.0
    return one


def _depth(a: np.ndarray, d: int) -> int:
    """The depth of an element of that size."""
    depth, size = 0, 1
    while size < a.shape[-1]:
        depth += 1
        size += d**depth
    return depth


def _element(name: str, value: np.ndarray, d: int) -> np.ndarray:
    value = validate.array(name, value, tuple(range(1, 9)))
    if value.shape[-1] != level_starts(d, _depth(value, d))[-1]:
        raise ValueError(
            f"{name} must have 1 + d + ... + d^N coefficients for d = {d}, got {value.shape[-1]}"
        )
    return value
