r"""Systems of equations: linear ones, the Lorenz system with noise, and an excitable cell."""

import numpy as np

from labcore._compile import compiled
from labcore._validate import array, positive, real
from labcore.sde.model import Model

# The linear system: parameters are the entries of A by rows, then those of B.


@compiled(inline=True)
def _linear_drift(t, x, parameters):
    a, b, c, d = parameters[0], parameters[1], parameters[2], parameters[3]
    return a * x[0] + b * x[1], c * x[0] + d * x[1]


@compiled(inline=True)
def _linear_jacobian(t, x, parameters):
    return (parameters[0], parameters[1]), (parameters[2], parameters[3])


@compiled(inline=True)
def _linear_diffusion(t, x, parameters):
    return (parameters[4], parameters[5]), (parameters[6], parameters[7])


def linear_moments(A: np.ndarray, noise: np.ndarray) -> tuple:
    """The functions ``mean(t, x0)`` and ``variance(t, x0)`` of dX = A X dt + B dW, noise = B B^T.

    Both are blocks of one exponential (Van Loan 1978), for each time by itself.
    """
    from scipy.linalg import expm  # slow to import

    d = len(A)
    whole = np.block([[-A, noise], [np.zeros((d, d)), A.T]])

    def mean(t, x0):
        t = np.asarray(t, dtype=float)
        return (expm(np.multiply.outer(t, A)) @ np.asarray(x0, dtype=float)[..., None])[..., 0]

    def variance(t, x0):
        exponential = expm(np.multiply.outer(np.asarray(t, dtype=float), whole))
        flow = np.swapaxes(exponential[..., d:, d:], -1, -2)  # e^{A t}
        return flow @ exponential[..., :d, d:]

    return mean, variance


def gaussian_density(covariance: np.ndarray):
    """The density of the normal law with mean 0, of points along the last axis."""
    precision = np.linalg.inv(covariance)
    scale = 1.0 / np.sqrt(np.linalg.det(2.0 * np.pi * covariance))

    def density(x):
        x = np.asarray(x, dtype=float)
        return scale * np.exp(-0.5 * np.einsum("...i,ij,...j", x, precision, x))

    return density


def linear(A: np.ndarray, B: np.ndarray) -> Model:
    r"""The linear system in the plane, :math:`dX = A X\,dt + B\,dW` with two noises.

    Given :math:`X_0 = x_0`, :math:`X_t` is normal with mean :math:`e^{A t} x_0` and covariance
    :math:`\int_0^t e^{A s} B B^\top e^{A^\top s}\,ds`. If the eigenvalues of A have negative real
    parts the process tends to the stationary law :math:`N(0, \Sigma)`, where
    :math:`A \Sigma + \Sigma A^\top + B B^\top = 0`: a two-dimensional Ornstein-Uhlenbeck process.
    It is reversible if and only if :math:`A B B^\top` is symmetric.

    Parameters
    ----------
    A, B : arrays of shape (2, 2)

    Returns
    -------
    Model
        With a `stationary_density` if A is stable and B B^T invertible.

    Raises
    ------
    ValueError, TypeError
        If A or B is not a 2 x 2 matrix of finite numbers.

    Notes
    -----
    The covariance comes from one matrix exponential of twice the size; for stable A of large norm
    that holds :math:`e^{-A t}`, and for :math:`\lVert A \rVert t` above 30 or so it loses all
    digits.

    References
    ----------
    C. F. Van Loan, "Computing integrals involving the matrix exponential", IEEE Transactions on
    Automatic Control 23, 1978. doi:10.1109/TAC.1978.1101743

    Examples
    --------
    >>> model = linear([[-1.0, 2.0], [-2.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> model.variance(10.0, [0.0, 0.0]).round(6)  # a rotation does not change it
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    A, B = array("A", A, 2), array("B", B, 2)
    for name, matrix in (("A", A), ("B", B)):
        if matrix.shape != (2, 2):
            raise ValueError(f"{name} must have shape (2, 2), got {matrix.shape}")
    noise = B @ B.T
    mean, variance = linear_moments(A, noise)
    is_stable = np.linalg.eigvals(A).real.max() < 0.0
    density = None
    if is_stable and np.linalg.matrix_rank(B) == 2:
        size = np.kron(A, np.eye(2)) + np.kron(np.eye(2), A)
        density = gaussian_density(np.linalg.solve(size, -noise.reshape(4)).reshape(2, 2))
    return Model(
        name="linear system",
        drift=_linear_drift,
        diffusion=_linear_diffusion,
        parameters=(*A.reshape(4).tolist(), *B.reshape(4).tolist()),
        mean=mean,
        variance=variance,
        dimension=2,
        additive=True,
        stationary_density=density,
        drift_derivative=_linear_jacobian,
    )


# The Lorenz system: parameters are (prandtl, rayleigh, aspect, diffusion).


@compiled(inline=True)
def _lorenz_drift(t, x, parameters):
    prandtl, rayleigh, aspect = parameters[0], parameters[1], parameters[2]
    return (
        prandtl * (x[1] - x[0]),
        x[0] * (rayleigh - x[2]) - x[1],
        x[0] * x[1] - aspect * x[2],
    )


@compiled(inline=True)
def _lorenz_jacobian(t, x, parameters):
    prandtl, rayleigh, aspect = parameters[0], parameters[1], parameters[2]
    return (
        (-prandtl, prandtl, 0.0),
        (rayleigh - x[2], -1.0, -x[0]),
        (x[1], x[0], -aspect),
    )


@compiled(inline=True)
def _lorenz_diffusion(t, x, parameters):
    return parameters[3], parameters[3], parameters[3]


@compiled(inline=True)
def _zero_triple(t, x, parameters):
    return 0.0, 0.0, 0.0


def noisy_lorenz(
    prandtl: float = 10.0, rayleigh: float = 28.0, aspect: float = 8.0 / 3.0, diffusion: float = 1.0
) -> Model:
    r"""The Lorenz system with independent noise on each component,

    .. math:: dX &= \sigma (Y - X)\,dt + s\,dW_1, \\
              dY &= (X (\rho - Z) - Y)\,dt + s\,dW_2, \\
              dZ &= (X Y - \beta Z)\,dt + s\,dW_3.

    Nothing is known in closed form of its law, but that volumes shrink at the rate
    :math:`\sigma + 1 + \beta`, and that at every time
    :math:`\frac{d}{dt} \E[X^2 / 2] = \sigma \E[X Y - X^2] + s^2 / 2`.

    Parameters
    ----------
    prandtl, rayleigh, aspect : float, default 10, 28, 8/3
        sigma, rho and beta, positive. Without noise and with the others at their defaults the
        origin is stable for rho < 1, and the system is chaotic at 28.
    diffusion : float, default 1
        s, positive.

    Raises
    ------
    ValueError
        If a parameter is not positive and finite.

    Notes
    -----
    Paths with equal noise separate by a factor e in about 1.1 units of time: no method follows the
    exact path for long, and strong errors say something for a few units only.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.noisy_lorenz(), sde.HEUN, [1.0, 1.0, 20.0], 5.0, 1000, 200, rng=1)
    >>> paths.x.shape, float(paths.x[:, -1, 2].mean().round())  # the height Z
    ((200, 1001, 3), 23.0)
    """
    return Model(
        name="noisy Lorenz system",
        drift=_lorenz_drift,
        diffusion=_lorenz_diffusion,
        diffusion_derivative=_zero_triple,
        parameters=(
            positive("prandtl", prandtl),
            positive("rayleigh", rayleigh),
            positive("aspect", aspect),
            positive("diffusion", diffusion),
        ),
        dimension=3,
        additive=True,
        drift_derivative=_lorenz_jacobian,
    )


# FitzHugh and Nagumo: parameters are (current, offset, leak, rate, diffusion).


@compiled(inline=True)
def _excitable_drift(t, x, parameters):
    current, offset, leak, rate = parameters[0], parameters[1], parameters[2], parameters[3]
    v, w = x
    return v - v * v * v / 3.0 - w + current, rate * (v + offset - leak * w)


@compiled(inline=True)
def _excitable_jacobian(t, x, parameters):
    leak, rate = parameters[2], parameters[3]
    return (1.0 - x[0] * x[0], -1.0), (rate, -rate * leak)


@compiled(inline=True)
def _excitable_diffusion(t, x, parameters):
    return (parameters[4],), (0.0,)


def fitzhugh_nagumo(
    current: float = 0.0,
    offset: float = 0.7,
    leak: float = 0.8,
    rate: float = 0.08,
    diffusion: float = 0.2,
) -> Model:
    r"""The equations of FitzHugh and Nagumo for a nerve cell, with noise on the voltage,

    .. math:: dV &= (V - V^3/3 - U + I)\,dt + s\,dW, \\
              dU &= \epsilon\,(V + a - b U)\,dt.

    One noise drives two components, so the diffusion is a matrix of one column. At the defaults
    the cell rests at V = -1.20, and noise makes it fire now and then; from I = 0.33 on it would
    fire without. The law is not known in closed form.

    Parameters
    ----------
    current : float, default 0
        I, the current that is put in.
    offset, leak, rate : float, default 0.7, 0.8, 0.08
        a (any real number), b and epsilon (positive). The recovery U is slow: epsilon is one over
        its time.
    diffusion : float, default 0.2
        s, positive.

    Raises
    ------
    ValueError
        If a parameter is out of range or not finite.

    Notes
    -----
    The drift is cubic: Euler-Maruyama explodes for steps above :math:`6 / V^2` or so, and with
    normal noise some step will, sooner or later. `labcore.sde.TAMED_EULER` and
    `labcore.sde.IMPLICIT_EULER` do not.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.fitzhugh_nagumo(), sde.HEUN, [-1.2, -0.62], 200.0, 4000, 100, rng=1)
    >>> bool((paths.x[:, :, 0].max(axis=1) > 1.5).any())  # some have fired
    True
    """
    return Model(
        name="FitzHugh-Nagumo equations",
        drift=_excitable_drift,
        diffusion=_excitable_diffusion,
        parameters=(
            real("current", current),
            real("offset", offset),
            positive("leak", leak),
            positive("rate", rate),
            positive("diffusion", diffusion),
        ),
        dimension=2,
        additive=True,
        drift_derivative=_excitable_jacobian,
    )
