"""What the API pages print is true: every example runs, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest
from numba.core.dispatcher import Dispatcher

import labcore

MODULES = sorted(module.name for module in pkgutil.walk_packages(labcore.__path__, "labcore."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def public_names():
    """What the subjects offer to call: functions and classes.

    Not errors and records; not what a function makes, which its docstring names ("Made by") and
    whose example shows it; not compiled functions for loops; and of the live figures not the parts,
    each of which is shown by the example of `Figure`.
    """
    for name in MODULES:
        subject = importlib.import_module(name)
        if not hasattr(subject, "__path__"):
            continue
        for public in getattr(subject, "__all__", []):
            thing = getattr(subject, public)
            is_record = inspect.isclass(thing) and issubclass(thing, tuple | Exception)
            is_part = name == "labcore.live" and public not in ("Export", "Figure")
            is_loop = isinstance(thing, Dispatcher)
            is_made = "ade by `" in (inspect.getdoc(thing) or "")
            if callable(thing) and not (is_record or is_part or is_loop or is_made):
                yield f"{name}.{public}", thing


@pytest.mark.parametrize(
    ("name", "thing"), [pytest.param(*each, id=each[0]) for each in public_names()]
)
def test_a_public_name_has_an_example(name, thing):
    assert ">>>" in (inspect.getdoc(thing) or ""), f"{name} has no Examples in its docstring"
