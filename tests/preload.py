"""What processes of tests need of others' code, imported once for all of them: see `tests/processes.py`.

Imports alone: TensorFlow's runtime must not have begun where a process is forked.
"""

# ruff: noqa: F401
import launch.cluster
import launch.experiments.clustering
import launch.experiments.training
import launch.train
import tests.models.tiny
