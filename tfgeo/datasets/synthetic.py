"""Point sets in the plane, drawn from a seed."""

from __future__ import annotations

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.errors import check_at_least, check_count
from tfgeo.randomness import generator

__all__ = ["anisotropic", "two_moons"]

# Seed, box and map of scikit-learn's example of anisotropically distributed data,
# https://scikit-learn.org/stable/auto_examples/cluster/plot_cluster_comparison.html
_CENTRES_SEED = 170
_CENTRES_BOX = (-10.0, 10.0)
_STRETCH = ((0.6, -0.6), (-0.4, 0.8))


def two_moons(seed: int, num_samples: int = 100, noise: float = 0.05, standardize: bool = False) -> Dataset:
    """Two interleaving half circles of radius 1 with Gaussian noise (scikit-learn's `make_moons`).

    Args:
      seed: integer of at least 0, for the noise.
      num_samples: both moons together, half of them each.
      noise: standard deviation of the noise.
      standardize: subtract the mean and divide both dimensions by one common standard deviation.

    Returns:
      `[num_samples, 2]` samples, class 0 first, then class 1.

    Raises:
      UserError: if `num_samples` is below 2 or `noise` is negative.
    """
    from sklearn import datasets  # slow to import

    inputs, labels = datasets.make_moons(
        n_samples=check_count("num_samples", num_samples, 2),
        shuffle=False,
        noise=check_at_least("noise", noise, 0),
        random_state=_draw_sklearn_seed(seed, "two_moons"),
    )
    return Dataset(_standardize(inputs) if standardize else inputs, labels, name="two_moons")


def anisotropic(seed: int, num_samples: int = 100, num_clusters: int = 3, standardize: bool = True) -> Dataset:
    """Gaussian blobs stretched by one linear map, the "anisotropic" set of scikit-learn's examples.

    Yang et al. (2018) name such a set but give neither the number of clusters nor their parameters: this is
    the three-cluster set of the scikit-learn example, x = b A with unit-variance blobs b and
    A = [[0.6, -0.6], [-0.4, 0.8]]. The centres are those that the example draws from its own seed 170; they
    are fixed, so that only the samples depend on `seed`.

    Args:
      seed: integer of at least 0, for the samples.
      num_samples: all clusters together, split as evenly as possible.
      num_clusters: more than 3 draws further centres from the same stream; they may overlap.
      standardize: subtract the mean and divide both dimensions by one common standard deviation, which keeps
        the shape of the clusters.

    Returns:
      `[num_samples, 2]` samples, cluster by cluster.

    Raises:
      UserError: if there are fewer samples than clusters.
    """
    from sklearn import datasets  # slow to import

    num_clusters = check_count("num_clusters", num_clusters)
    centres = np.random.RandomState(_CENTRES_SEED).uniform(*_CENTRES_BOX, (num_clusters, 2))
    blobs, labels = datasets.make_blobs(
        n_samples=check_count("num_samples", num_samples, num_clusters),
        centers=centres,
        shuffle=False,
        random_state=_draw_sklearn_seed(seed, "anisotropic"),
    )
    inputs = blobs @ np.asarray(_STRETCH)
    return Dataset(_standardize(inputs) if standardize else inputs, labels, name="anisotropic")


def _draw_sklearn_seed(seed: int, purpose: str) -> int:
    """A seed for scikit-learn, which takes 32 bits only."""
    return int(generator(check_count("seed", seed, 0), purpose).integers(2**32))


def _standardize(inputs: np.ndarray) -> np.ndarray:
    """Zero mean per dimension, unit standard deviation over all dimensions together."""
    centred = inputs - inputs.mean(axis=0)
    return centred / centred.std()
