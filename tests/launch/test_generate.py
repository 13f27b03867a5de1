"""launch.generate: samples from the prior and along the metric, beside another entry's model."""

import contextlib
import io

import numpy as np
import pytest

from launch import generate, program
from tests.launch.small_images import SMALL, SMALL_METRIC, check_results, launch, write_images

KINDS = {"prior", "metric", "beside/chadebec2020/vae_generation_mnist_5"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generate")
    arguments = ["--entry=chadebec2020/rhvae_generation_mnist_5", f"--output_dir={folder}", write_images(folder)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert launch(generate, program.entry_flags, *arguments, *SMALL, *SMALL_METRIC) == 0
    (folder / "printed.txt").write_text(printed.getvalue())
    return folder


def test_every_way_of_generating_is_measured_beside_the_data(folder):
    measured = check_results(folder)["measured"]
    assert set(measured) == KINDS | {"training", "held_out"}
    for kind in KINDS:
        numbers = measured[kind]
        assert 0.0 <= numbers["least_training_distance"] <= numbers["nearest_training_distance"]
        assert numbers["diversity"] >= 0.0
    assert 0.0 <= measured["metric"]["acceptance_rate"] <= 1.0
    reduction = measured["metric"]["potential_scale_reduction"]
    printed = (folder / "printed.txt").read_text()
    assert f"potential scale reduction {reduction:.2f}" in printed
    assert ("raise --config.generation.num_steps" in printed) == (reduction >= 1.1)
    assert measured["held_out"]["nearest_training_distance"] > 0.0


def test_images_are_kept_and_drawn(folder):
    arrays = np.load(folder / "generation.npz")
    assert {name: arrays[name].shape for name in arrays.files} == {
        kind.replace("/", "_"): (12, 36) for kind in KINDS
    }
    assert all(arrays[name].min() >= 0.0 and arrays[name].max() <= 1.0 for name in arrays.files)
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn == {"images_training", "nearest", *(f"images_{kind.replace('/', '_')}" for kind in KINDS)}


def test_a_plain_vae_generates_from_its_prior_alone(tmp_path):
    entry = "--entry=chadebec2020/vae_generation_mnist_5"
    assert (
        launch(generate, program.entry_flags, entry, f"--output_dir={tmp_path}", write_images(tmp_path), *SMALL)
        == 0
    )
    assert set(check_results(tmp_path)["measured"]) == {"prior", "training", "held_out"}


def test_images_outside_of_the_unit_interval_are_refused(tmp_path, capfd):
    np.savez(tmp_path / "bytes.npz", x=np.arange(20 * 36).reshape(20, 6, 6) % 256, y=np.repeat([0, 1], 10))
    arguments = ["--entry=chadebec2020/vae_generation_mnist_5", f"--output_dir={tmp_path / 'out'}"]
    assert launch(generate, program.entry_flags, *arguments, f"--data={tmp_path / 'bytes.npz'}", *SMALL) == 2
    assert "[0, 1]" in capfd.readouterr().err
