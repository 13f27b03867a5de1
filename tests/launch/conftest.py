"""What tests of programs share."""

import pytest

from tests.fast import OPTIMIZES_GRAPHS
from tests.launch.rough_figures import ROUGH, drawing


@pytest.fixture(scope="module", autouse=not OPTIMIZES_GRAPHS)
def figures_are_drawn_roughly():
    with drawing(ROUGH):
        yield
