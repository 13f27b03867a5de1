"""`launch.train --strategy`: what TF_CONFIG may say, and two processes that train as one."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import zoo
from launch import program, train
from launch.running.results import fingerprint_of
from launch.running.run import run_from_config
from launch.running.workers import Task, Workers, read_task
from tests.models.replica_cases import cluster_of, free_ports
from tests.models.test_replicas import LONGEST
from tests.processes import Program
from tfgeo.errors import UserError

HOSTS = ["a:1", "b:2"]
SMALL = [
    "--entry=yang2018/two_moons",
    "--config.training.epochs=40",
    "--config.variance.epochs=5",
    "--config.data.num_samples=24",
    "--config.variance.num_components=4",
]


def text(cluster, **task):
    return json.dumps({"cluster": cluster, "task": task})


def test_tasks():
    workers = {"worker": HOSTS}
    assert read_task(text(workers, type="worker", index=0)) == Task("worker", 0, 2, True)
    assert read_task(text(workers, type="worker", index=1)) == Task("worker", 1, 2, False)
    led = {"worker": HOSTS, "chief": ["c:3"]}
    assert read_task(text(led, type="worker", index=0)) == Task("worker", 0, 3, False)
    assert read_task(text(led, type="chief", index=0)) == Task("chief", 0, 3, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "needs the environment variable TF_CONFIG; set it to '{"),
        ("{cluster", r"TF_CONFIG is no JSON .* '\{cluster'"),
        ("[]", "has no 'cluster'"),
        (json.dumps({"cluster": {"worker": HOSTS}}), "has no 'task'"),
        (text({}, type="worker", index=0), "has no workers"),
        (text({"worker": HOSTS, "ps": ["c:3"]}, type="worker", index=0), "processes of type 'ps'"),
        (text({"worker": "a:1"}, type="worker", index=0), "'a:1' for 'worker'; give a list"),
        (text({"chief": HOSTS}, type="chief", index=0), "one for a chief"),
        (text({"worker": ["a:1", "b"]}, type="worker", index=0), "address 'b'; give HOST:PORT"),
        (text({"worker": ["a:1", "a:1"]}, type="worker", index=0), "an address twice"),
        (text({"worker": HOSTS}, type="evaluator", index=0), "type 'evaluator'"),
        (text({"worker": HOSTS}, type="worker", index=2), "index 2, but 2 of type 'worker'"),
        (text({"worker": HOSTS}, type="worker", index="0"), "index '0'"),
    ],
)
def test_what_is_wrong_with_tf_config_is_said_in_one_line(given, said):
    with pytest.raises(UserError, match=said) as caught:
        read_task(given)
    assert "\n" not in str(caught.value)


def test_the_program_ends_with_that_line(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    arguments = ["launch", *SMALL, f"--output_dir={tmp_path / 'out'}", "--strategy=multi_worker"]
    assert program.run(train.main, train.program_flags(), train.__doc__, arguments) == 2
    assert "TF_CONFIG; set it to" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_process_whose_others_never_appear_ends():
    code = "from launch.running import workers; workers.MAX_WAIT = 10; workers.start_workers('multi_worker')"
    environment = os.environ | {"TF_CONFIG": cluster_of(free_ports(2))[0]}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=LONGEST)
    assert ended.returncode == -signal.SIGALRM
    assert b"waiting for the others that TF_CONFIG lists, 10 s at most" in ended.stdout


def test_one_process_settles_for_itself():
    done = []
    Workers().settle(done.append, 1)
    assert done == [1]


def test_one_cpu_is_a_device_too_and_takes_mixed_precision(tmp_path, capsys):
    arguments = ["launch", *SMALL, f"--output_dir={tmp_path}", "--strategy=mirrored", "--mixed_precision"]
    assert program.run(train.main, train.program_flags(), train.__doc__, arguments) == 0
    assert np.isfinite(json.loads((tmp_path / "metrics.json").read_text())["measured"]["elbo"])
    printed = capsys.readouterr().out
    assert "training by 1 replica" in printed and "on a CPU it gains little or nothing" in printed


def test_flags_of_the_strategy_leave_fingerprints_as_they_are(tmp_path):
    run = run_from_config(zoo.config("yang2018/two_moons"), 0, tmp_path)
    found = []
    for make, more in (
        (program.entry_flags, []),
        (train.program_flags, []),
        (train.program_flags, ["--strategy=mirrored"]),
        (train.program_flags, ["--mixed_precision"]),
    ):
        values = make()
        values(["launch", "--entry=yang2018/two_moons", *more])
        found.append(fingerprint_of(run, values))
    assert found[0] == found[1] == found[2] != found[3]


def start(folder, *arguments, config=None):
    environment = {} if config is None else {"TF_CONFIG": config}
    return Program("launch.train", *SMALL, f"--output_dir={folder}", *arguments, env=environment)


def finish(*processes):
    """Exit codes and what was said."""
    said = [process.communicate(timeout=LONGEST) for process in processes]
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def start_two(folders, *arguments):
    configs = cluster_of(free_ports(2))
    return [
        start(folder, "--strategy=multi_worker", *arguments, config=config)
        for folder, config in zip(folders, configs, strict=True)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One process beside two, of which the second is given a folder of its own."""
    folder = tmp_path_factory.mktemp("workers")
    names = ("one", "chief", "other")
    found = finish(start(folder / "one"), *start_two([folder / "chief", folder / "other"]))
    for code, _, errors in found:
        assert code == 0, errors
    return folder, dict(zip(names, found, strict=True))


def test_two_processes_reach_the_bound_of_one_and_the_chief_writes_it(trained):
    folder, said = trained
    metrics = [json.loads((folder / name / "metrics.json").read_text()) for name in ("one", "chief")]
    assert metrics[0]["fingerprint"] != "" and metrics[0]["config"] == metrics[1]["config"]
    bounds = [one["measured"]["elbo"] for one in metrics]
    np.testing.assert_allclose(bounds[1], bounds[0], rtol=1e-4)
    weights = [zoo.load(str(folder / name)).model.weights for name in ("one", "chief")]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)
    assert not (folder / "other").exists()
    assert "worker 1 of 2 leaves the results to the chief" in said["other"][1]


def test_processes_end_with_the_chief_where_nothing_is_left_to_do(trained):
    folder, _ = trained
    for code, printed, errors in finish(*start_two([folder / "chief", folder / "other"])):
        assert code == 0 and "nothing is left to do" in printed, errors


@pytest.mark.slow  # as above, with a process that is killed
def test_a_training_goes_on_after_one_of_its_processes_was_killed(tmp_path):
    two = start_two([tmp_path / "chief", tmp_path / "other"], "--config.training.epochs=4000")
    deadline = time.monotonic() + LONGEST
    while not (tmp_path / "chief" / "unfinished" / "training.jsonl").exists():
        assert time.monotonic() < deadline and all(process.poll() is None for process in two)
        time.sleep(0.1)
    two[1].send_signal(signal.SIGKILL)
    ((code, _, errors),) = finish(two[0])
    assert code == 2 and "give all processes their command again" in errors
    again = finish(*start_two([tmp_path / "chief", tmp_path / "other"], "--config.training.epochs=4000"))
    assert [code for code, *_ in again] == [0, 0] and "continuing the run" in again[0][1]
