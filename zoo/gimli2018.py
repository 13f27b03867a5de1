"""Yang and Hauberg (GiMLi 2018): quadratic geodesics with an RBF variance and a warm start."""

from __future__ import annotations

import dataclasses

from zoo import yang2018
from zoo.config import GeodesicsConfig, Reported, VarianceConfig

__all__ = ["ENTRIES"]

ENTRIES = (
    dataclasses.replace(
        yang2018.ENTRIES[0],
        name="gimli2018/two_moons",
        summary="quadratic geodesics between two half moons, started on the ridges of the RBF precision",
        paper="Yang and Hauberg 2018 (GiMLi)",
        url="https://gimli.cc/2018",
        program="interpolate",
        variance=VarianceConfig(kind="rbf", num_components=20, epochs=100, batch_size=100),
        geodesics=GeodesicsConfig(warm_start="ridge_climb"),
        reported=Reported(source="Figure 1"),
        notes=(
            "Free: learning rate, epochs, batch size, 50 units in each hidden layer, 20 basis functions, their "
            "widths and the ceiling of the variance.",
        ),
    ),
)
