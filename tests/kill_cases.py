"""Work that is killed at any moment and begun again by the same call, and what kills it."""

import contextlib
import functools
import os
import pathlib
import signal
import sys
import time

import keras
import numpy as np

from launch import cluster, program
from launch.running import training as launch_training
from tests.fast import forget_lines_of_operations, optimize_graphs
from tests.geodesics.stores.job_cases import LOCAL, MANIFOLD
from tests.models.tiny import make_data, make_vae
from tests.processes import CONTEXT
from tfgeo.checkpoints import TrainingCheckpoint
from tfgeo.geodesics import GradientDescent, pairwise
from tfgeo.geodesics.stores.store import DistanceStore
from tfgeo.models import fit

NUM_ROUNDS = 30
# Six squares on a side.
POINTS = np.random.default_rng(0).uniform(-1.2, 1.2, [96, 2]).astype(np.float32)
NUM_BLOCKS = 21
# The solver that is traced soonest: every process traces it anew.
SETTINGS = LOCAL | {"solver": GradientDescent(max_iterations=2)}
# Seconds that a process may take: more is a hang.
LONGEST = 300.0


def train(folder, begun):
    """A training of 30 rounds, each of which is saved; its weights."""
    model = make_vae("gmm")
    arguments = make_data(30), 10 * NUM_ROUNDS, 7, 1e-2
    checkpoint = TrainingCheckpoint(folder / "state.npz", every_seconds=0)
    after_first = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: begun())
    fit(model, *arguments, verbose=0, checkpoint=checkpoint, callbacks=[after_first])
    np.savez(folder / "result.npz", *[np.array(weight) for weight in model.weights])


def measure(folder, begun):
    """All distances among 96 points, in a store of 21 blocks."""
    put = DistanceStore.put

    def put_and_say(*arguments):
        put(*arguments)
        begun()

    DistanceStore.put = put_and_say
    array = pairwise(MANIFOLD, POINTS, store=folder / "distances.zarr", **SETTINGS)
    np.savez(folder / "result.npz", array[:])


def cluster_moons(folder, begun):
    """`launch.cluster` as a whole, from the training to the figures."""
    begun()
    # Short as the training is, it is saved after every round.
    launch_training.TrainingCheckpoint = functools.partial(TrainingCheckpoint, every_seconds=0)
    values = "data.num_samples=24 geodesics.warm_start=none geodesics.num_points=6 training.epochs=400"
    values += " variance.epochs=5 variance.num_components=4 figures.resolution=8 figures.volume_samples=2"
    flags = ["--entry=yang2018/two_moons", f"--output_dir={folder / 'out'}"]
    flags += [f"--config.{value}" for value in values.split()]
    assert program.run(cluster.main, cluster.program_flags(), "", ["launch", *flags]) == 0
    with np.load(folder / "out" / "clustering.npz") as arrays:
        np.savez(folder / "result.npz", *arrays.values())


def _child(work, folder, connection):
    # As in the tests.
    optimize_graphs(False)
    forget_lines_of_operations()
    folder.mkdir(exist_ok=True)
    said = []

    def begun():
        if not said:
            said.append(True)
            connection.send_bytes(b"begun")

    with open(folder / "log", "a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        os.dup2(log.fileno(), sys.stderr.fileno())
        work(folder, begun)


def run(work, folder):
    """Lets the work end; the seconds from its first result on."""
    process, connection = _start(work, folder)
    _wait_for_result(connection)
    began = time.monotonic()
    process.join(LONGEST)
    assert process.exitcode == 0, (folder / "log").read_text()
    return time.monotonic() - began


def kill(work, folder, delay, after_begin):
    """Kills the work after `delay` seconds, of its first result where `after_begin`; False where it had ended."""
    process, connection = _start(work, folder)
    if after_begin:
        _wait_for_result(connection)
    time.sleep(delay)
    # SIGKILL, and nothing where it has just ended.
    process.kill()
    process.join(LONGEST)
    assert process.exitcode in (0, -signal.SIGKILL), (folder / "log").read_text()
    return process.exitcode != 0


def kill_often(work, folder, num_kills, seconds, progress, seed=0):
    """Kills the work at random moments, each time it is begun again, and lets it end then.

    Work that ends before it is killed begins anew in another folder. A third of the kills comes before the first
    result of a process, which may have read half a store or state by then.

    Args:
      work: the function.
      folder: where it works.
      num_kills: how often a process dies by SIGKILL.
      seconds: those that the work takes from its first result on; most kills come in the first quarter of them.
      progress: how much of the work a folder holds.
      seed: of the moments.

    Returns:
      All folders, in which the work has ended, and the progress after each kill.
    """
    random, folders, found = np.random.default_rng(seed), [pathlib.Path(folder, "0")], []
    while len(found) < num_kills:
        after_begin = random.random() > 1 / 3
        if kill(work, folders[-1], random.uniform(0.0, 0.25 * seconds if after_begin else 1.0), after_begin):
            found.append(progress(folders[-1]))
        else:
            folders.append(pathlib.Path(folder, str(len(folders))))
    run(work, folders[-1])
    return folders, found


def _wait_for_result(connection):
    """Waits for the first result; not where there is none to come, as all was done before."""
    with contextlib.suppress(EOFError):
        assert connection.poll(LONGEST)
        connection.recv_bytes()


def _start(work, folder):
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_child, args=(work, folder, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours
