"""Two long strips of latent points on either side of a ridge: straight lines join what geodesics keep apart."""

import functools

import numpy as np
import tensorflow as tf

from tfgeo.manifolds import Pullback

HEIGHT, WIDTH = 5.0, 0.2
LABELS = np.repeat([0, 1], 15)
# As few points on a curve as still see the ridge.
SETTINGS = {"num_points": 16, "curve": "cubic_spline"}


def strips(seed=0, dtype=np.float64):
    """`[30, 2]` points, the first 15 below the ridge along the first axis."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(-2.0, 2.0, 30), random.uniform(0.3, 0.5, 30)
    return np.stack([x, np.where(LABELS, y, -y)], axis=-1).astype(dtype)


@functools.cache
def ridge():
    """The manifold: a plane with a ridge that no curve gets around; one for all, with what is compiled for it."""

    def embed(z):
        return tf.concat([z, HEIGHT * tf.exp(-tf.square(z[..., 1:] / WIDTH))], axis=-1)

    return Pullback(embed)
