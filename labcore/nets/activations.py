r"""Activations of networks, in single and double precision, with their slopes.

==========  ==========================  =====================================
name        function of z               slope
==========  ==========================  =====================================
``"silu"``  :math:`z / (1 + e^{-z})`    :math:`p + z p (1 - p)`,
                                        :math:`p = 1 / (1 + e^{-z})`
``"tanh"``  :math:`\tanh z`             :math:`1 - \sigma(z)^2`
``"relu"``  :math:`\max(z, 0)`          1 for z > 0, 0 else
==========  ==========================  =====================================
"""

import numpy as np

from labcore._compile import compiled
from labcore.nets._single import ONE, TWO, exp, expm1

ACTIVATIONS = ("silu", "tanh", "relu")
_SILU, _TANH = 0, 1
_ZERO = np.float32(0.0)


@compiled
def activate(activation, z):
    """Put sigma(z) in place of z; `activation` is its number in `ACTIVATIONS`."""
    if activation == _SILU:
        for j in range(z.size):
            z[j] = z[j] * (ONE / (ONE + exp(-z[j])))
    elif activation == _TANH:
        for j in range(z.size):
            e = expm1(TWO * z[j])
            z[j] = e / (e + TWO)
    else:
        for j in range(z.size):
            z[j] = max(z[j], _ZERO)


@compiled
def activate_with_slope(activation, z, slope):
    """Put sigma(z) in place of z, and sigma'(z) into `slope`."""
    if activation == _SILU:
        for j in range(z.size):
            e = exp(-z[j])
            p = ONE / (ONE + e)
            z[j] = z[j] * p
            slope[j] = p + z[j] * (e * p)
    elif activation == _TANH:
        for j in range(z.size):
            e = expm1(TWO * z[j])
            z[j] = e / (e + TWO)
            slope[j] = ONE - z[j] * z[j]
    else:
        for j in range(z.size):
            slope[j] = ONE if z[j] > _ZERO else _ZERO
            z[j] = max(z[j], _ZERO)
