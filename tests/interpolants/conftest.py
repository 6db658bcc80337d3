"""Fixtures over the instances."""

import pytest

from labcore.interpolants import between

from .instances import ALL_SCHEDULES, LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET


@pytest.fixture(params=ALL_SCHEDULES, ids=lambda schedule: schedule.name)
def schedule(request):
    return request.param


@pytest.fixture
def line(schedule):
    return between(LINE_SOURCE, LINE_TARGET, schedule)


@pytest.fixture
def plane(schedule):
    return between(PLANE_SOURCE, PLANE_TARGET, schedule)
