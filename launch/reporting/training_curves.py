"""How curves of training are smoothed: as in Appendix A of Chadebec et al. (2020)."""

from __future__ import annotations

import numpy as np

from tfgeo import plots

__all__ = ["smooth"]

# Epochs that a point of the curves is the mean of, as in the paper.
AVERAGED = 10


def smooth(epochs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means of `[n]` values over the last 10 epochs; the values themselves where they lie further apart."""
    step = np.diff(epochs).max() if len(epochs) > 1 else AVERAGED
    return plots.moving_average(values, max(1, round(AVERAGED / step)))
