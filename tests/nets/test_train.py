"""Training: it learns, gives the same bits again, goes on where it stopped, names what failed."""

import numba
import numpy as np
import pytest

from labcore.nets import (
    Adam,
    Diverged,
    cosine,
    load_training,
    minibatches,
    mlp,
    train,
)
from labcore.random import normal
from tests.samplers.alarm import interrupted


def sine(step, n=300):
    x = 2.0 * normal((n, 1), rng=1, stream=step)
    return x, np.sin(x) + 0.1 * normal((n, 1), rng=2, stream=step)


VALIDATION = sine(10**6)


def run(n_steps=60, start=None, dtype=np.float32, **options):
    start = mlp([1, 16, 16, 1], dtype=dtype, rng=1) if start is None else start
    options = {"optimiser": Adam(3e-3), "progress": False} | options
    return train(start, options.pop("batches", sine), n_steps, **options)


def same(a, b):
    """Whether two trainings hold the same bits."""
    left = (a.network.parameters, *a.state, a.average, a.losses, a.lengths, *a.validation)
    right = (b.network.parameters, *b.state, b.average, b.losses, b.lengths, *b.validation)
    return all(np.array_equal(x, y) for x, y in zip(left, right, strict=True))


OPTIONS = {"average": 0.9, "validation": VALIDATION, "validate_every": 10}


def test_a_step_is_one_of_adam_with_the_gradient_of_the_mean_squared_error():
    """The network's own products and `Adam.update`, composed: 300 samples fill three tiles."""
    network, adam = mlp([1, 16, 16, 1], dtype=np.float64, rng=1), Adam(0.01, clip=0.5, decay=0.1)
    result = run(3, network, optimiser=adam)
    state = adam.start(network.parameters)
    for step in range(3):
        x, y = sine(step)
        now = mlp([1, 16, 16, 1], dtype=np.float64, rng=1)
        now.parameters[:] = state.parameters
        error = now(x) - y
        gradient = now.vjp(x, 2 * error / len(x)).parameters
        assert result.losses[step] == pytest.approx((error**2).sum() / len(x), rel=1e-12)
        assert result.lengths[step] == pytest.approx(np.linalg.norm(gradient), rel=1e-12)
        state = adam.update(state, gradient)
    np.testing.assert_allclose(result.state.parameters, state.parameters, rtol=1e-10)
    assert result.network.trained
    assert not network.trained


def test_it_learns_the_conditional_mean_down_to_the_variance_of_the_noise():
    adam = Adam(cosine(1e-2, 1500, warmup=20))
    result = run(1500, optimiser=adam, average=0.99)
    x = np.linspace(-3, 3, 50)
    error = result.network(x)[:, 0] - np.sin(x)
    assert np.sqrt((error**2).mean()) < 0.05
    assert 0.009 < result.losses[-100:].mean() < 0.02  # 0.01, and what is off in the tails


@pytest.mark.parametrize("activation", ["silu", "tanh", "relu"])
def test_it_learns_exclusive_or(activation):
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    network = mlp([2, 16, 1], activation=activation, rng=2)
    result = run(800, network, batches=lambda step: (x, y), optimiser=Adam(0.02))
    np.testing.assert_allclose(result.network(x), y, atol=0.05)


def test_training_is_the_same_bits_again_with_any_number_of_threads():
    """Three tiles, of a network that is worth several threads and of one that is not."""
    before = numba.get_num_threads()
    try:
        for start in (mlp([1, 16, 1], rng=1), mlp([1, 128, 128, 1], rng=1)):
            first = run(20, start, **OPTIONS)
            for n_threads in {1, numba.config.NUMBA_NUM_THREADS}:
                numba.set_num_threads(n_threads)
                assert same(run(20, start, **OPTIONS), first)
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("stop", [1, 29, 30, 31])
def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path, stop):
    """Stopped before, at and after a validation and an epoch's end, saved and read again."""
    x, y = sine(0, 64)
    whole = run(batches=minibatches(x, y, 20, rng=3), **OPTIONS)
    half = run(stop, batches=minibatches(x, y, 20, rng=3), **OPTIONS)
    half.save(tmp_path / "half.npz")
    again = load_training(tmp_path / "half.npz")
    assert same(again, half)
    assert same(run(60, again, batches=minibatches(x, y, 20, rng=3), **OPTIONS), whole)
    assert again.state.step == stop  # what was given is left alone


def test_checkpoints_are_written_under_way_and_at_the_end(tmp_path):
    path = tmp_path / "checkpoint.npz"
    seen = []

    def batches(step):
        seen.append(load_training(path).state.step if path.exists() else 0)
        return sine(step)

    result = run(10, batches=batches, checkpoint=path, checkpoint_every=4)
    assert seen == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]
    assert same(load_training(path), result)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_an_interruption_returns_and_saves_what_was_learned(tmp_path):
    """Hours of training, interrupted after a second, go on to the bits of a shorter run."""
    run(20, **OPTIONS)  # compiled before the alarm is set
    path = tmp_path / "checkpoint.npz"
    result = interrupted(
        lambda: run(10**7, checkpoint=path, checkpoint_every=10**7, **OPTIONS), "interrupted after"
    )
    n = result.state.step
    assert 0 < n < 10**7
    assert len(result.losses) == n
    assert np.isfinite(result.losses).all()
    more = n + 15
    assert same(run(more, load_training(path), **OPTIONS), run(more, **OPTIONS))


def test_the_running_average_is_the_documented_recursion():
    average = run(1, average=0.5).average.astype(float)
    start = mlp([1, 16, 16, 1], rng=1).parameters
    now, parameters = start.astype(float), []
    for n in range(1, 12):
        parameters.append(run(n, average=0.5).state.parameters)
    for k, p in enumerate(parameters):
        c = min(0.5, (1 + k) / (10 + k))
        now = c * now + (1 - c) * p
        if k == 0:
            np.testing.assert_allclose(average, now, atol=1e-6)
    result = run(11, average=0.5)
    np.testing.assert_allclose(result.average, now, atol=1e-6)
    assert np.array_equal(result.network.parameters, result.average)


def test_patience_stops_an_overfit_and_returns_the_best_network():
    """Ten noisy points are learned by heart; the held-out loss turns before."""
    x, y = sine(3, 10)
    options = {"optimiser": Adam(1e-2), "validation": VALIDATION, "validate_every": 20}
    network = mlp([1, 64, 64, 1], rng=1)
    noisy = y + normal((10, 1), rng=5)
    result = run(5000, network, batches=lambda step: (x, noisy), patience=5, **options)
    losses = np.array(result.validation.losses)
    assert result.state.step < 5000
    assert len(losses) - 1 - losses.argmin() == 5
    assert len(losses) == result.state.step // 20
    loss = ((result.network(VALIDATION[0]) - VALIDATION[1]) ** 2).mean()
    assert loss == pytest.approx(losses.min(), rel=1e-5)


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_step(tmp_path):
    def batches(step):
        x, y = sine(step)
        return x, y * (np.inf if step == 17 else 1.0)

    path = tmp_path / "checkpoint.npz"
    with pytest.raises(Diverged, match="step 17 has a loss of inf"):
        run(40, batches=batches, checkpoint=path, checkpoint_every=17)
    assert same(run(30, load_training(path)), run(30))  # with good batches it goes on


def test_minibatches_of_an_epoch_are_disjoint_and_every_epoch_is_another_order():
    x = np.arange(23.0)
    batches = minibatches(x, x**2, 5, rng=1)
    epochs = []
    for epoch in range(3):
        drawn = np.concatenate([batches(4 * epoch + i)[0][:, 0] for i in range(4)])
        assert len(np.unique(drawn)) == 20
        epochs.append(drawn.tolist())
    assert epochs[0] != epochs[1] != epochs[2]
    xs, ys = batches(9)
    assert np.array_equal(xs**2, ys)
    assert np.array_equal(batches(1)[0][:, 0], epochs[0][5:10])  # back to an epoch before


def wrong(x=(4, 1), y=(4, 1)):
    return lambda step: (np.zeros(x), np.zeros(y))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: run(0), ValueError, "n_steps must be at least 1"),
        (lambda: run(start="network"), TypeError, "start must be a Network or a Training"),
        (lambda: run(batches=wrong(x=(4, 2))), ValueError, r"batches\(0\) must be arrays of shap"),
        (lambda: run(batches=wrong(y=(3, 1))), ValueError, r"shapes \(n, 1\) and \(n, 1\), got"),
        (lambda: run(batches=wrong((0, 1), (0, 1))), ValueError, r"batches\(0\) must be arrays"),
        (lambda: run(average=1.0), ValueError, "average must be between 0 and 1"),
        (lambda: run(patience=3), ValueError, "patience needs validation data"),
        (lambda: run(patience=0, validation=VALIDATION), ValueError, "patience must be at least"),
        (lambda: run(validate_every=0), ValueError, "validate_every must be at least 1"),
        (lambda: run(checkpoint_every=0), ValueError, "checkpoint_every must be at least 1"),
        (
            lambda: run(validation=(np.zeros((3, 2)), np.zeros((3, 1)))),
            ValueError,
            "validation must be arrays of shapes",
        ),
        (lambda: run(5, run(10)), ValueError, "n_steps must be at least the 10 that were made"),
        (lambda: run(20, run(10, average=0.9)), ValueError, "average must be given to go on"),
        (lambda: minibatches([1.0], [1.0, 2.0], 1), ValueError, "x and y must have the same leng"),
        (lambda: minibatches([1.0], [1.0], 2), ValueError, "size must be at most the number"),
        (lambda: minibatches([np.nan], [1.0], 1), ValueError, "x must be finite"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_another_file_is_no_training(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="is no saved training: 'parameters' is missing"):
        load_training(tmp_path / "other.npz")
