"""Small neural networks: training and sampling of a flow in the plane, in single precision."""

from itertools import pairwise

import numpy as np

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import nets
from labcore.interpolants import EULER, NetworkField, field_batches, linear
from labcore.interpolants.between_mixtures import Draws
from labcore.random import integers, normal

SIZES = (3, 64, 64, 64, 2)
WEIGHTS = sum(a * b for a, b in pairwise(SIZES))
UNITS = sum(SIZES[1:-1])


def two_clouds(n: int) -> np.ndarray:
    side = np.where(np.arange(n) % 2, 2.0, -2.0)
    return 0.3 * normal((n, 2), rng=3) + side[:, None]


def same_loss(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The losses of the last tenth of the steps have one mean, to 12 %; the first are larger."""
    tenth = max(len(ours) // 10, 1)
    np.testing.assert_allclose(theirs[-tenth:].mean(), ours[-tenth:].mean(), rtol=0.12)
    assert ours[:3].mean() > ours[-tenth:].mean()


@workload(
    small={"n_steps": 400},
    agree=same_loss,
    aim=6.0,
    cost=lambda batch, n_steps: Cost(
        gemm=6 * WEIGHTS * batch * n_steps,
        exps=UNITS * batch * n_steps,
        normals=2 * batch * n_steps,
    ),
    threads=(1, 2),
)
def flow_matching(batch: int = 256, n_steps: int = 500) -> Ways:
    """Training a velocity by flow matching: a perceptron 3-64-64-64-2, steps of Adam."""
    data = two_clouds(10_000)
    start = nets.mlp(SIZES, rng=1)

    def draw(n, rng):
        rows = integers(len(data), n, rng=rng, stream=1)
        return Draws(normal((n, 2), rng=rng), data[rows], np.zeros((n, 2)))

    def ours():
        batches = field_batches(linear(), draw, batch, rng=1)
        return nets.train(start, batches, n_steps, progress=False).losses

    ways = {"labcore": ours}
    if torch := peer("torch"):
        ways["torch"] = lambda: with_torch(torch, start, data, batch, n_steps, None)
        if peer("torchcfm"):
            from torchcfm.conditional_flow_matching import ConditionalFlowMatcher

            matcher = ConditionalFlowMatcher(0.0)
            ways["torchcfm"] = lambda: with_torch(torch, start, data, batch, n_steps, matcher)
    return ways


def in_torch(torch, network: nets.Network):
    """The same network in torch."""
    parts = []
    for weights, bias in network.layers:
        layer = torch.nn.Linear(*weights.shape)
        layer.weight.data = torch.from_numpy(weights.T.copy())
        layer.bias.data = torch.from_numpy(bias.copy())
        parts += [layer, torch.nn.SiLU()]
    return torch.nn.Sequential(*parts[:-1])


def with_torch(torch, start, data, batch, n_steps, matcher) -> np.ndarray:
    torch.manual_seed(1)
    model, data = in_torch(torch, start), torch.from_numpy(data.astype(np.float32))
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    losses = np.empty(n_steps)
    for step in range(n_steps):
        x1 = data[torch.randint(0, len(data), (batch,))]
        x0 = torch.randn(batch, 2)
        if matcher:
            t, x, y = matcher.sample_location_and_conditional_flow(x0, x1)
            t = t[:, None]
        else:
            t = torch.rand(batch, 1)
            x, y = (1 - t) * x0 + t * x1, x1 - x0
        optimiser.zero_grad()
        loss = ((model(torch.cat([t, x], 1)) - y) ** 2).sum(1).mean()
        loss.backward()
        optimiser.step()
        losses[step] = loss.item()
    return losses


def same_positions(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


@workload(
    small={"n": 300, "n_steps": 20},
    agree=same_positions,
    aim=4.0,
    cost=lambda n, n_steps: Cost(gemm=2 * WEIGHTS * n * n_steps, exps=UNITS * n * n_steps),
    threads=(1, 2),
    rounds=5,
)
def network_flow(n: int = 10_000, n_steps: int = 100) -> Ways:
    """Samples by Euler's method along the velocity of a perceptron 3-64-64-64-2."""
    data = two_clouds(1000)
    network = nets.mlp(SIZES, rng=1)
    inputs = np.hstack([np.zeros((1000, 1)), data])
    network = nets.train(network, lambda step: (inputs, data), 20, progress=False).network
    field, x = NetworkField(network), normal((n, 2), rng=2)
    ways = {"labcore": lambda: field.flow(x, steps=n_steps, method=EULER)[:, -1]}
    if torch := peer("torch"):
        model = in_torch(torch, network)
        start = torch.from_numpy(x.astype(np.float32))

        def by_torch():
            with torch.no_grad():
                y = start
                for k in range(n_steps):
                    t = torch.full((n, 1), k / n_steps)
                    y = y + model(torch.cat([t, y], 1)) / n_steps
            return y.numpy()

        ways["torch"] = by_torch
    return ways


WORKLOADS = (flow_matching, network_flow)
