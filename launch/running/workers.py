"""The processes of a training by several: what TF_CONFIG says of this one, and what the chief decides for all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from launch import program
from tfgeo.errors import UserError

if TYPE_CHECKING:
    from tfgeo.models.replicas import Replicas

__all__ = ["STRATEGIES", "Task", "Workers", "define_strategy", "read_task", "start_workers"]

# Seconds after which processes that do not appear are no longer waited for: queues of clusters take minutes.
MAX_WAIT = 900
# Values of --strategy.
STRATEGIES = ("mirrored", "multi_worker")
# Jobs of TF_CONFIG whose processes train; the first one's only process, or the second one's first, is the chief.
_JOBS = ("chief", "worker")
_EXAMPLE = (
    '\'{"cluster": {"worker": ["host1:12345", "host2:12345"]}, "task": {"type": "worker", "index": 0}}\', with the '
    "index of each process"
)


@dataclasses.dataclass(frozen=True)
class Task:
    """One process of several, as TF_CONFIG has it.

    Attributes:
      kind: "chief" or "worker".
      index: its number among those of its kind, from 0.
      num_workers: all processes that train.
      is_chief: whether it writes the files.
    """

    kind: str
    index: int
    num_workers: int
    is_chief: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.index} of {self.num_workers}"


def define_strategy(values: program.Flags) -> None:
    """Adds --strategy."""
    from absl import flags

    flags.DEFINE_enum(
        "strategy",
        None,
        list(STRATEGIES),
        "train on all GPUs of this machine (mirrored), or by the processes that TF_CONFIG lists, to each of which "
        "this command is given (multi_worker); results are those of one process, up to rounding",
        flag_values=values,
    )


def read_task(text: str | None) -> Task:
    """What TF_CONFIG says of this process.

    Raises:
      UserError: if it is missing, or not as TensorFlow describes it for workers that train together.
    """
    if not text:
        raise UserError(f"--strategy=multi_worker needs the environment variable TF_CONFIG; set it to {_EXAMPLE}")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise UserError(f"TF_CONFIG is no JSON ({error}): {text!r}; set it to {_EXAMPLE}") from error
    cluster, task = (_member(config, name, text) for name in ("cluster", "task"))
    for job, addresses in cluster.items():
        _check_job(job, addresses)
    jobs = [job for job in _JOBS if job in cluster]
    if not jobs:
        raise UserError(f"the cluster of TF_CONFIG has no workers; set it to {_EXAMPLE}")
    everywhere = [address for job in jobs for address in cluster[job]]
    if len(set(everywhere)) < len(everywhere):
        raise UserError(
            f"TF_CONFIG lists an address twice: {', '.join(everywhere)}; give each process its own port"
        )
    kind, index = task.get("type"), task.get("index")
    if kind not in jobs:
        raise UserError(f"the task of TF_CONFIG has the type {kind!r}; accepted are those that it lists: {jobs}")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(cluster[kind]):
        raise UserError(
            f"the task of TF_CONFIG has the index {index!r}, but {len(cluster[kind])} of type {kind!r} are listed; "
            "count from 0"
        )
    return Task(kind, index, len(everywhere), kind == jobs[0] and index == 0)


def _member(config: Any, name: str, text: str) -> dict[str, Any]:
    found = config.get(name) if isinstance(config, dict) else None
    if not isinstance(found, dict):
        raise UserError(f"TF_CONFIG has no {name!r}: {text!r}; set it to {_EXAMPLE}")
    return found


def _check_job(job: str, addresses: Any) -> None:
    if job not in _JOBS:
        raise UserError(
            f"TF_CONFIG lists processes of type {job!r}; leave them out, those that train together are "
            f"{' and '.join(_JOBS)}"
        )
    if not isinstance(addresses, list) or not addresses or (job == "chief" and len(addresses) > 1):
        raise UserError(f"TF_CONFIG has {addresses!r} for {job!r}; give a list of HOST:PORT, one for a chief")
    for address in addresses:
        port = address.rpartition(":")[2] if isinstance(address, str) else ""
        if not (port.isdecimal() and 0 < int(port) < 65536):
            raise UserError(f"TF_CONFIG has the address {address!r}; give HOST:PORT, such as host1:12345")


class Workers:
    """The processes that train together: this one alone, unless there is a strategy.

    Args:
      replicas: the strategy's, or None.
      task: this process among several, or None.
    """

    def __init__(self, replicas: Replicas | None = None, task: Task | None = None) -> None:
        self.replicas = replicas
        self.task = task

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.task is None or self.task.is_chief

    @contextlib.contextmanager
    def writing(self, values: program.Flags) -> Iterator[None]:
        """In the block others than the chief write to a folder of their own, which is thrown away."""
        if self.is_chief:
            yield
            return
        with tempfile.TemporaryDirectory(prefix="tfgeo-worker-") as folder:
            values.output_dir = folder
            yield

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """In the block, that another process was lost is said in one line."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            lines = str(error).splitlines()
            cause = next((line for line in lines if "aborted by" in line), None)
            if cause is None and isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)):
                cause = lines[0]
            if self.task is None or cause is None:
                raise
            raise UserError(
                f"another process of the training stopped ({cause.strip()}); give all processes their command "
                "again, they go on from the chief's last checkpoint"
            ) from error

    def scope(self) -> contextlib.AbstractContextManager:
        """Models that are built in it have a replica on every device."""
        return contextlib.nullcontext() if self.replicas is None else self.replicas.scope()

    def settle(self, check: Callable[..., None], *arguments: Any) -> None:
        """Calls what ends the program where nothing is to be done, or something is wrong, where the chief is.

        The others end as it does, in place of waiting for it.
        """
        if self.replicas is None:
            check(*arguments)
            return
        outcome: program.Finished | UserError | None = None
        if self.is_chief:
            try:
                check(*arguments)
            except (program.Finished, UserError) as error:
                outcome = error
        text = self._say("" if outcome is None else f"{type(outcome).__name__}:{outcome}")
        if text:
            kind, _, message = text.partition(":")
            raise program.Finished(message) if kind == "Finished" else UserError(message)

    def _say(self, text: str) -> str:
        """The chief's text, in all processes."""
        assert self.replicas is not None
        letters = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
        length = int(self.replicas.from_chief(len(letters)))
        if not self.is_chief:
            letters = np.zeros(length, np.int32)
        return self.replicas.from_chief(letters).astype(np.uint8).tobytes().decode()


def start_workers(strategy: str | None) -> Workers:
    """Starts TensorFlow, and meets the other processes where there are some.

    Args:
      strategy: value of --strategy.

    Raises:
      UserError: if TF_CONFIG is wrong, or its address cannot be listened at.
    """
    task = read_task(os.environ.get("TF_CONFIG")) if strategy == "multi_worker" else None
    if task is not None and task.num_workers > 1:
        print(f"this is {task}; waiting for the others that TF_CONFIG lists, {MAX_WAIT} s at most", flush=True)
    made: list[Any] = []

    def make() -> None:
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # it warns that CPUs are no GPUs
        # The very first that TensorFlow does: processes cannot meet later.
        if task is not None:
            made.append(tf.distribute.MultiWorkerMirroredStrategy())
            return
        # Those of this machine: without a list TensorFlow takes what TF_CONFIG says.
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        made.append(tf.distribute.MirroredStrategy([device.name for device in devices]))

    if strategy is None:
        program.start_tensorflow()
        return Workers()
    remedy = "look at its devices" if task is None else "look at TF_CONFIG and the ports"
    try:
        with _limited_wait(task):
            program.start_tensorflow(make)
    except Exception as error:  # gRPC's failures are of many kinds
        raise UserError(f"--strategy={strategy} cannot start ({error}); {remedy}") from error
    from tfgeo.models.replicas import Replicas

    replicas = Replicas(made[0])
    number = replicas.strategy.num_replicas_in_sync
    print(f"training by {number} {'replica' if number == 1 else 'replicas'}", flush=True)
    return Workers(replicas, task)


@contextlib.contextmanager
def _limited_wait(task: Task | None) -> Iterator[None]:
    """Lets the system end the process where the others do not appear within `MAX_WAIT` seconds of the block.

    TensorFlow waits for them with Python's lock in hand: no thread, handler of signals or error gets through.
    """
    if task is None or task.num_workers == 1 or not hasattr(signal, "alarm"):
        yield
        return
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(MAX_WAIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
