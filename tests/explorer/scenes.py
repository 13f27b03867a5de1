"""Scenes that several tests show: a sphere, whose geodesics are known."""

import numpy as np
import tensorflow as tf

from tests.cases import sphere
from tfgeo.explorer import Scene, SceneMetric
from tfgeo.manifolds import Pullback

# Polar angles and longitudes well inside of the table: great circles between them stay in it.
CODES = np.random.default_rng(0).uniform([0.7, -1.2], [2.4, 1.2], [60, 2]).astype(np.float32)


def sphere_scene(**changes):
    metric = SceneMetric("pullback", "pull-back", Pullback(sphere), "data units", "On the sphere.", "{a} {b}")
    settings = {
        "title": "A sphere",
        "latents": CODES,
        "decode": lambda z: np.asarray(sphere(tf.constant(z, tf.float32))),
        "metrics": [metric, SceneMetric.straight()],
        "labels": np.arange(len(CODES)) % 3,
        "class_names": ["one", "</script><b>two", "three & more"],
    }
    return Scene(**(settings | changes))
