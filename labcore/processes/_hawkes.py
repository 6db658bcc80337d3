r"""Loops over the events of a Hawkes process with exponential kernels, in linear time.

All rest on one recursion: R_j(t), the sum of exp(-decay (t - s)) over the events s < t of
component j, is multiplied by exp(-decay gap) from one event to the next.
"""

from labcore._compile import compiled
from labcore._math import exp_of_negative, log
from labcore.random.streams import fill_uniform

BLOCK = 512  # events whose exponentials and logarithms are taken by vector instructions


@compiled
def simulate(baseline, jumps, decay, end, seed, draws, state, times, components):
    r"""Fill `times` and `components` with the next events; returns how many came before `end`.

    The method of Dassios and Zhao: the next event is the first of one that the baselines cause,
    after a time w = E_1 / sum(baseline), and one that the excitation X causes. The latter has
    exp(-decay w) = 1 - decay E_2 / X (never, if that is negative). Which is first shows without a
    logarithm, so that all those are taken for a block of events at once, before and after the
    recursion that must go event by event.

    `state` holds the time, the number of blocks drawn and the excitation of each component; `jumps`
    (d, d) has in row j what an event of component j adds; `draws` is (5, BLOCK). The capacity of
    `times` is a multiple of BLOCK.
    """
    d = baseline.size
    total = 0.0
    for i in range(d):
        total += baseline[i]
    waits, survivals, excited = draws[0], draws[1], draws[2]
    choice, decays = draws[3], draws[4]
    excitation = state[2:]
    n = 0
    while n < times.size and state[0] < end:
        block = int(state[1])
        fill_uniform(seed, 0, block * BLOCK, waits)
        fill_uniform(seed, 1, block * BLOCK, excited)
        if d > 1:
            fill_uniform(seed, 2, block * BLOCK, choice)
        for b in range(BLOCK):
            waits[b] = -log(waits[b]) / total
            excited[b] = -log(excited[b]) * decay
        for b in range(BLOCK):
            survivals[b] = exp_of_negative(-decay * waits[b])
        if d == 1:
            x = excitation[0]
            for b in range(BLOCK):
                factor = 1.0 - excited[b] / x  # -inf where nothing excites
                factor = max(factor, survivals[b])
                decays[b] = factor
                x = factor * x + jumps[0, 0]
                components[n + b] = 0
            excitation[0] = x
        else:
            for b in range(BLOCK):
                x = 0.0
                for i in range(d):
                    x += excitation[i]
                factor = 1.0 - excited[b] / x
                by_excitation = factor > survivals[b]
                factor = max(factor, survivals[b])
                decays[b] = factor
                left = choice[b] * (x if by_excitation else total)
                j = 0
                while j < d - 1:
                    left -= excitation[j] if by_excitation else baseline[j]
                    if left < 0.0:
                        break
                    j += 1
                for i in range(d):
                    excitation[i] = factor * excitation[i] + jumps[j, i]
                components[n + b] = j
        for b in range(BLOCK):
            decays[b] = waits[b] if decays[b] == survivals[b] else -log(decays[b]) / decay
        t = state[0]
        for b in range(BLOCK):
            t += decays[b]
            times[n + b] = t
        state[0], state[1] = t, block + 1
        n += BLOCK
    while n > 0 and times[n - 1] > end:
        n -= 1
    return n


@compiled
def log_likelihood(times, components, end, baseline, adjacency, decay, work, past, sums, gradient):
    r"""The log-likelihood, and its gradient in the baselines, the adjacency and the decay.

    `sums` (3, d), zero at first, holds for each component R just after the latest event, the sum of
    (t - s) exp(-decay (t - s)), which is minus its derivative in the decay, and the number of
    events; `past` (BLOCK, 2, d) the first two just before each event of a block. `work` is
    (2, BLOCK); `gradient` has d + d d + 1 entries, zero at first.
    """
    d, n = baseline.size, times.size
    gaps, rates = work[0], work[1]
    value = slope = before = 0.0
    for first in range(0, n, BLOCK):
        width = min(BLOCK, n - first)
        t, marks = times[first : first + width], components[first : first + width]
        gaps[0] = t[0] - before
        for b in range(1, width):
            gaps[b] = t[b] - t[b - 1]
        before = t[width - 1]
        for b in range(width):
            rates[b] = exp_of_negative(-decay * gaps[b])
        for b in range(width):
            for j in range(d):
                decayed = rates[b] * sums[0, j]
                lag = rates[b] * sums[1, j] + gaps[b] * decayed
                past[b, 0, j] = decayed
                past[b, 1, j] = lag
                sums[0, j] = decayed
                sums[1, j] = lag
            sums[0, marks[b]] += 1.0
            sums[2, marks[b]] += 1.0
        for b in range(width):
            i = marks[b]
            excited = 0.0
            for j in range(d):
                excited += adjacency[i, j] * past[b, 0, j]
            rates[b] = baseline[i] + decay * excited
        for b in range(width):
            gaps[b] = log(rates[b])
            rates[b] = 1.0 / rates[b]
        logs = 0.0
        for b in range(width):
            i = marks[b]
            logs += gaps[b]
            gradient[i] += rates[b]
            for j in range(d):
                r = past[b, 0, j]
                gradient[d + i * d + j] += rates[b] * decay * r
                slope += rates[b] * adjacency[i, j] * (r - decay * past[b, 1, j])
        value += logs
    # What was expected until the end: of each event the part of its kernel that lies before it.
    gap = end - before
    factor = exp_of_negative(-decay * gap)
    for j in range(d):
        remains = factor * sums[0, j]
        lag = factor * sums[1, j] + gap * remains
        for i in range(d):
            value -= adjacency[i, j] * (sums[2, j] - remains)
            gradient[d + i * d + j] -= sums[2, j] - remains
            slope -= adjacency[i, j] * lag
    for i in range(d):
        value -= baseline[i] * end
        gradient[i] -= end
    gradient[d + d * d] = slope
    return value


@compiled
def follow(times, components, baseline, jumps, decay, grid, excitation, intensity, compensator):
    """The intensities and compensators of all components at ascending times, just before them."""
    d = baseline.size
    k, now = 0, 0.0
    total = compensator[grid.size]
    for j in range(d):
        excitation[j] = 0.0
        total[j] = 0.0
    for g in range(grid.size):
        done = False
        while not done:
            done = k == times.size or times[k] >= grid[g]
            until = grid[g] if done else times[k]
            gap = until - now
            factor = exp_of_negative(-decay * gap)
            for j in range(d):
                total[j] += baseline[j] * gap + excitation[j] * ((1.0 - factor) / decay)
                excitation[j] *= factor
            if not done:
                for j in range(d):
                    excitation[j] += jumps[components[k], j]
                k += 1
            now = until
        for j in range(d):
            intensity[g, j] = baseline[j] + excitation[j]
            compensator[g, j] = total[j]
