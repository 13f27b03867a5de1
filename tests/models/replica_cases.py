"""Small trainings by one process and by several replicas, whose weights are written to be compared.

`python -m tests.models.replica_cases mirrored FOLDER` trains all models without a strategy and on two logical
devices; with `multi_worker` it is one of the processes that TF_CONFIG lists. Both need a process of their own:
devices and strategies are made before TensorFlow computes anything.
"""

import contextlib
import json
import pathlib
import socket
import sys

import numpy as np
import tensorflow as tf

from tests.fast import forget_lines_of_operations, optimize_graphs

# 21 samples in batches of 10: two replicas have 5 and 5 of a full batch, and none and 1 of the last one.
NUM, BATCH_SIZE, EPOCHS = 21, 10, 4
KINDS = ("vae", "iwae", "hvae", "rhvae")


def free_ports(num):
    """So many ports of this machine that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(num)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def cluster_of(ports):
    """TF_CONFIG of each process."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}) for index in range(len(ports))
    ]


def build(kind, strategy=None):
    from tests.models.tiny import make_flow_model, make_vae
    from tfgeo.models import IWAE

    with contextlib.nullcontext() if strategy is None else strategy.scope():
        if kind == "vae":
            return make_vae(None)
        if kind == "iwae":
            return make_vae(
                None, model_class=lambda *parts: IWAE(*parts[:2], num_importance_samples=4, seed=parts[2])
            )
        return make_flow_model(kind, num_centroids=NUM, num_steps=1)


def train(kind, strategy=None, **settings):
    from tests.models.tiny import make_data
    from tfgeo.models import fit

    model = build(kind, strategy)
    history = fit(model, make_data(NUM), EPOCHS, BATCH_SIZE, 1e-2, verbose=0, passes_per_round=2, **settings)
    return model, history


def save(folder, name, model, history):
    weights = {str(index): np.asarray(weight) for index, weight in enumerate(model.weights)}
    logs = {f"log_{key}": np.array(values) for key, values in history.history.items()}
    np.savez(pathlib.Path(folder) / f"{name}.npz", **weights, **logs)


def train_mirrored(folder):
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for kind in KINDS:
        save(folder, kind, *train(kind))
        save(folder, f"{kind}_two", *train(kind, two))
    save(folder, "vae_one", *train("vae", tf.distribute.MirroredStrategy(["CPU:0"])))
    from tests.models.tiny import make_data

    # Early stopping, with the whole of a user's program in the scope.
    watched = {"validation_data": make_data(9, seed=1), "patience": 1, "gradient_norm": 0.1}
    save(folder, "vae_watched", *train("vae", **watched))
    with two.scope():
        save(folder, "vae_watched_two", *train("vae", two, **watched))


def train_with_others(folder):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    _tell_fast()
    index = strategy.cluster_resolver.task_id
    save(folder, f"rhvae_worker{index}", *train("rhvae", strategy))


def _tell_fast():
    # As in the tests.
    optimize_graphs(False)
    forget_lines_of_operations()


if __name__ == "__main__":
    what, where = sys.argv[1:]
    if what == "mirrored":
        (device,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
        _tell_fast()
        train_mirrored(where)
    else:
        train_with_others(where)
