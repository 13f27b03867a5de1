"""Tests of whole files and of training that continues where it was stopped."""

import errno
import os
import stat

import keras
import numpy as np
import pytest

from tests.models.tiny import Interrupt, StubVAE, make_data, make_vae, weights_of
from tfgeo.checkpoints import TrainingCheckpoint, whole_file
from tfgeo.errors import UserError
from tfgeo.models import fit, fit_variance


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_replaces_the_old_one_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "result.weights.h5"
    for text in ("first", "second"):
        with whole_file(path) as partial:
            assert partial.name == path.name and partial.parent.parent == path.parent
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert names_in(path.parent) == [path.name]
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("exists", [False, True])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error, exists):
    path = tmp_path / "result.txt"
    if exists:
        path.write_text("old")
    with pytest.raises(error), whole_file(path) as partial:
        partial.write_text("half")
        raise error
    assert names_in(tmp_path) == (["result.txt"] if exists else [])
    assert not exists or path.read_text() == "old"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    child = os.fork()
    if child == 0:  # does file operations only: TensorFlow does not survive a fork
        with whole_file(path) as partial:
            partial.write_text("half")
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_text() == "old"
    with whole_file(path) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"


def make_stub():
    return make_vae(None, model_class=StubVAE)


# Data, epochs, batch size: several passes per round; more steps in a pass than one execution holds.
@pytest.mark.parametrize(("stage", "num", "epochs", "batch_size"), [(fit, 30, 30, 7), (fit_variance, 120, 3, 2)])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, stage, num, epochs, batch_size):
    x, path = make_data(num), tmp_path / "state.npz"

    def train(**arguments):
        model = make_vae("gmm")
        keras.utils.set_random_seed(len(arguments))  # the global generators have no say
        history = stage(model, x, epochs, batch_size, 1e-2, verbose=0, **arguments)
        return model, history.history.get("loss", [])

    straight, losses = train()
    assert len(losses) == 3
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=TrainingCheckpoint(path, every_seconds=0), callbacks=[Interrupt(2)])
    assert names_in(tmp_path) == ["state.npz"]
    continued, rest = train(checkpoint=TrainingCheckpoint(path, every_seconds=0))
    assert rest == losses[2:]
    assert int(continued.optimizer.iterations) == int(straight.optimizer.iterations)
    for one, other in zip(weights_of(straight).values(), weights_of(continued).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    # Once it is complete, there is nothing left to do.
    done, nothing = train(checkpoint=TrainingCheckpoint(path, every_seconds=0))
    assert nothing == []
    for one, other in zip(weights_of(straight).values(), weights_of(done).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_kill_while_writing_keeps_the_previous_state(tmp_path, monkeypatch):
    x, path = make_data(120), tmp_path / "state.npz"
    saved_rounds = []
    savez = np.savez

    def break_in_third(file, **arrays):
        if arrays["rounds"] == 3:
            file.write(b"PK half a file")
            raise KeyboardInterrupt
        saved_rounds.append(int(arrays["rounds"]))
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", break_in_third)
    with pytest.raises(KeyboardInterrupt):
        fit(make_stub(), x, 4, 2, 1e-2, verbose=0, checkpoint=TrainingCheckpoint(path, 0))
    assert saved_rounds == [1, 2] and names_in(tmp_path) == ["state.npz"]
    with np.load(path, allow_pickle=False) as saved:
        assert int(saved["rounds"]) == 2


def test_weights_that_the_last_step_broke_stop_training_and_are_not_saved(tmp_path):
    path = tmp_path / "state.npz"
    with pytest.raises(UserError, match=r"round 1.*weights"):
        fit(make_vae(None), make_data(10), 1, 10, np.inf, verbose=0, checkpoint=TrainingCheckpoint(path, 0))
    assert not path.exists()


def test_saves_are_at_least_so_many_seconds_apart_under_any_name(tmp_path):
    x = make_data(100)
    fit(make_stub(), x, 2, 2, 1e-2, verbose=0, checkpoint=TrainingCheckpoint(tmp_path / "rare", 3600))
    assert names_in(tmp_path) == []
    fit(make_stub(), x, 2, 2, 1e-2, verbose=0, checkpoint=TrainingCheckpoint(tmp_path / "often", 0))
    assert names_in(tmp_path) == ["often"]


@pytest.mark.parametrize("content", ["another model", "half a file", "no file of NumPy's"])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(tmp_path, content):
    path, model = tmp_path / "state.npz", make_vae("gmm")
    model.compile("adam")
    if content == "another model":
        other = make_vae("rbf")
        other.compile("adam")
        other.optimizer.build(other.trainable_variables)
        checkpoint = TrainingCheckpoint(path, 0)
        checkpoint.set_model(other)
        checkpoint.on_epoch_end(0)
    else:
        np.savez(path, rounds=1)
        path.write_bytes(path.read_bytes()[:100] if content == "half a file" else b"weights")
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(UserError, match=r"state\.npz") as caught:
        TrainingCheckpoint(path).restore(model)
    assert "\n" not in str(caught.value)
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


class FullDisk(OSError):
    """As HDF5 says it: the system's number stands in the text alone."""

    def __init__(self):
        super().__init__("Can't write data (errno = 28, error message = 'No space left on device')")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota"), FullDisk()])
def test_a_full_disk_is_one_line_and_keeps_what_was_there(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("before")
    with (
        pytest.raises(UserError, match=r"is full, file\.txt was not written.*make room"),
        whole_file(path) as partial,
    ):
        partial.write_text("half")
        raise error
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_room_is_looked_for_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="is full"), whole_file(tmp_path / "file.txt", num_bytes=1 << 60):
        raise AssertionError("the block was entered")


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), whole_file(tmp_path / "file.txt"):
        raise PermissionError(errno.EACCES, "no")
