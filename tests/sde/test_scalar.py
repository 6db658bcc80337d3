"""Methods for a state of one dimension refuse what they would solve wrongly."""

import numpy as np
import pytest

from labcore import sde

X = np.linspace(-1.0, 1.0, 11)
CALLS = {
    "adaptive": lambda model, t: sde.solve_adaptive(model, sde.MILSTEIN, 0.0, t, 4),
    "multilevel": lambda model, t: sde.multilevel(
        model, sde.MILSTEIN, 0.0, t, lambda paths: paths.x[:, -1], 0.1
    ),
    "forward": lambda model, t: sde.fokker_planck(model, 0.0, X, t, 4),
    "backward": lambda model, t: sde.backward_kolmogorov(model, X, X, t, 4),
    "bridges": lambda model, t: sde.guided_bridges(model, 0.0, 1.0, t, 4),
    "girsanov": lambda model, t: sde.girsanov_log_weights(
        sde.Paths(np.array([0.0, t]), np.zeros((2, 2))), model, model
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_state_with_components_is_refused(call):
    with pytest.raises(ValueError, match="state that is a number; .* has 3 components"):
        call(sde.noisy_lorenz(), 1.0)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_method_goes_beyond_the_time_where_a_model_ends(call):
    with pytest.raises(ValueError, match="t_end must be at most 1, up to where the Brown"):
        call(sde.brownian_bridge(), 1.5)


@pytest.mark.parametrize("name", ["adaptive", "multilevel"])
def test_a_solver_that_needs_more_of_the_noise_is_refused(name):
    calls = {
        "adaptive": lambda: sde.solve_adaptive(sde.double_well(), sde.SRA1, 0.0, 1.0, 4),
        "multilevel": lambda: sde.multilevel(
            sde.double_well(), sde.SRA1, 0.0, 1.0, lambda paths: paths.x[:, -1], 0.1
        ),
    }
    with pytest.raises(ValueError, match="driven by the increments of the noise; .* integrals"):
        calls[name]()
