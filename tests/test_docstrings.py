"""What the API pages print is true: every example runs."""

import doctest
import importlib
import pkgutil

import pytest

import labcore

MODULES = sorted(module.name for module in pkgutil.walk_packages(labcore.__path__, "labcore."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
