"""labcore: kernels, samplers, SDE solvers and stochastic interpolants, compiled by numba.

The package behind *Kernels, Noise & Flows*. Importing it compiles nothing: a function is compiled
when it is first called, and the result is kept on disk (see `labcore._compile`). Nor does it load
a subject that is not used: ``import labcore`` is free, and ``labcore.kernels`` loads the kernels.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Load the subject `name` when it is first asked for."""
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    """The subjects, loaded or not, beside what every module has."""
    subjects = [module.name for module in iter_modules(__path__) if module.name[0] != "_"]
    return sorted({*globals(), *subjects})
