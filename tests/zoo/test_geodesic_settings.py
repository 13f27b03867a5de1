"""What an entry's geodesics are found with."""

import dataclasses

import numpy as np
import pytest

import zoo
from zoo.geodesics import geodesic_settings


@pytest.mark.parametrize("smoothing", [0.0, 2.0])
def test_the_table_is_as_wide_as_its_margin_says(smoothing):
    entry = zoo.load("gimli2018/two_moons")
    geodesics = dataclasses.replace(
        entry.config.geodesics, energy="pullback", smoothing=smoothing, warm_start="none", table_resolution=4
    )
    ends = np.array([[[0.0, 1.0], [2.0, 1.5]], [[1.0, 1.0], [4.0, 3.0]]], np.float32)
    for margin in (0.25, 1.0):
        config = dataclasses.replace(entry.config, geodesics=dataclasses.replace(geodesics, table_margin=margin))
        manifold = geodesic_settings(dataclasses.replace(entry, config=config), *ends)["manifold"]
        table = manifold.manifold if smoothing else manifold
        room = margin * np.array([4.0, 2.0])
        np.testing.assert_allclose(table.bounds, np.stack([[0.0, 1.0] - room, [4.0, 3.0] + room], axis=1))
