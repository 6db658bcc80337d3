"""The loops of Sinkhorn's iteration: passes over the rows of a cost matrix or of a stored kernel.

Potentials come divided by epsilon: phi = f / epsilon, gamma = g / epsilon. The plan is
P_ij = a_i b_j exp(phi_i + gamma_j - rate C_ij) with rate = 1 / epsilon. For marginals that are
penalised instead of prescribed each update is multiplied by tau = rho / (rho + epsilon).

A cost is a matrix (n, m), or, where the matrix is empty, the squared distance of the points x
(n, d) and the columns of a (d, m) array. Rows are shared out in blocks whose number depends on the
problem's size only: so do, to the last bit, the results.
"""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, exp_of_negative, log
from labcore.kernels._pairs import squared_distances
from labcore.transport._dot import row_dot

LANES = 64  # of a row, whose largest is sought among 64 at a time


@compiled
def _costs(matrix, x, columns, i, row):
    """row[j] = C_ij."""
    if matrix.size:
        costs = matrix[i]
        for j in range(row.size):
            row[j] = costs[j]
    else:
        squared_distances(x, columns, i, 0, row)


@compiled
def _largest(row, lanes):
    """The largest number of a row."""
    for k in range(LANES):
        lanes[k] = -math.inf
    last = row.size - row.size % LANES
    for start in range(0, last, LANES):
        part = row[start : start + LANES]
        for k in range(LANES):
            lanes[k] = max(lanes[k], part[k])
    top = lanes[0]
    for k in range(1, LANES):
        top = max(top, lanes[k])
    for j in range(last, row.size):
        top = max(top, row[j])
    return top


@compiled
def log_rows(matrix, x, columns, rate, a, b, gamma, tau, first, last, phi, sums, work, lanes):
    """Half an iteration in the log domain: phi of some rows, and what they give to the columns.

    phi_i = -tau log sum_j b_j exp(gamma_j - rate C_ij), and sums[j] grows by P_ij / b_j of the plan
    with these phi. Divided by the largest of its row, an exponential is computed once for both.
    The buffer `work` has the shape (1, m).
    """
    row = work[0]
    for i in range(first, last):
        _costs(matrix, x, columns, i, row)
        for j in range(row.size):
            row[j] = gamma[j] - rate * row[j]
        top = _largest(row, lanes)
        for j in range(row.size):
            row[j] = exp_of_negative(row[j] - top)
        total = row_dot(work, uint64(0), b)
        phi[i] = -tau * (top + log(total))
        weight = a[i] / total if tau == 1.0 else a[i] * exp(phi[i] + top)
        for j in range(row.size):
            sums[j] += weight * row[j]


@compiled
def log_columns(matrix, x, columns, rate, a, phi, largest, sums, row):
    """sums[j] = sum_i a_i exp(phi_i - rate C_ij - largest[j]), where that is the largest term."""
    for j in range(row.size):
        largest[j] = -math.inf
        sums[j] = 0.0
    for i in range(a.size):
        _costs(matrix, x, columns, i, row)
        for j in range(row.size):
            largest[j] = max(largest[j], phi[i] - rate * row[j])
    for i in range(a.size):
        _costs(matrix, x, columns, i, row)
        for j in range(row.size):
            sums[j] += a[i] * exp_of_negative(phi[i] - rate * row[j] - largest[j])


@compiled
def scale_rows(kernel, a, v, tau, phi, first, last, u, sums):
    """Half an iteration on a stored kernel: u of some rows, and what they give to the columns.

    The kernel is K_ij = exp(phi_i + gamma_j - rate C_ij) for the potentials of some moment, u and v
    are the factors exp of what they have changed since. `v` comes multiplied by the weights b.
    """
    one = uint64(1)
    last = uint64(last)
    i = uint64(first)
    while i < last:
        four = i + uint64(4) <= last  # rows, for one load and store of the sums
        rows = uint64(4) if four else one
        for k in range(i, i + rows):
            total = row_dot(kernel, k, v)
            u[k] = 1.0 / total
            if tau < 1.0:
                u[k] = math.exp(-tau * math.log(total) + (tau - 1.0) * phi[k])
        if four:
            w0, w1 = a[i] * u[i], a[i + one] * u[i + one]
            w2, w3 = a[i + uint64(2)] * u[i + uint64(2)], a[i + uint64(3)] * u[i + uint64(3)]
            for j in range(uint64(v.size)):
                low = w0 * kernel[i, j] + w1 * kernel[i + one, j]
                high = w2 * kernel[i + uint64(2), j] + w3 * kernel[i + uint64(3), j]
                sums[j] += low + high
        else:
            w0 = a[i] * u[i]
            for j in range(uint64(v.size)):
                sums[j] += w0 * kernel[i, j]
        i += rows


@compiled
def update_columns(sums, b, gamma, tau, tolerance, v):
    """v, the factors exp of the change of gamma, for the sums of all blocks; and the violation.

    The violation is the sum over j of |column j of the plan - what it has to be|. Where it is
    within the tolerance, v stays as it is.
    """
    total = sums[0]
    for k in range(1, sums.shape[0]):
        for j in range(v.size):
            total[j] += sums[k, j]
    violation = 0.0
    for j in range(v.size):
        wanted = 1.0
        if tau < 1.0:
            wanted = math.exp((gamma[j] + math.log(v[j])) * (1.0 - 1.0 / tau))
        violation += b[j] * abs(total[j] * v[j] - wanted)
    if not violation <= tolerance:
        for j in range(v.size):
            v[j] = 1.0 / total[j]
            if tau < 1.0:
                v[j] = math.exp(-tau * math.log(total[j]) + (tau - 1.0) * gamma[j])
    return violation


@compiled
def fill_kernel(matrix, x, columns, rate, phi, gamma, lowest, first, last, out, row):
    """out[i, j] = exp(phi_i + gamma_j - rate C_ij) for some rows; 0 below exp(lowest)."""
    for i in range(first, last):
        _costs(matrix, x, columns, i, row)
        target = out[i]
        for j in range(row.size):
            exponent = phi[i] + gamma[j] - rate * row[j]
            target[j] = exp(exponent) if exponent > lowest else 0.0


@compiled
def plan_rows(matrix, x, columns, rate, phi, gamma, b, targets, first, last, out, work):
    """out[i] = the sums over j of Q, of Q times each row of `targets`, and of Q C.

    Q_ij = b_j exp(phi_i + gamma_j - rate C_ij). The buffer `work` has the shape (2, m).
    """
    row, costs = work[0], work[1]
    for i in range(first, last):
        _costs(matrix, x, columns, i, costs)
        for j in range(row.size):
            row[j] = exp(phi[i] + gamma[j] - rate * costs[j])
        out[i, 0] = row_dot(work, uint64(0), b)
        for j in range(row.size):
            row[j] *= b[j]
        for k in range(targets.shape[0]):
            out[i, 1 + k] = row_dot(targets, uint64(k), row)
        out[i, 1 + targets.shape[0]] = row_dot(work, uint64(0), costs)
