"""launch.interpolate between the same images by several models, each under its own metric."""

import dataclasses

import numpy as np
import pytest

import zoo
from launch import interpolate
from launch.running import companions, training
from tests.launch.small_images import SMALL, SMALL_METRIC, check_results, launch, write_images

BESIDE = ("chadebec2020/vae_circles_rings", "arvanitidis2018/circles_rings")
OWN = "chadebec2020/rhvae_circles_rings"
# The entry's model is measured under a metric of its decoder too.
MODELS = (*BESIDE, f"{OWN}, fisher_rao", OWN)
FEW = [
    "--num_pairs=4",
    f"--config.interpolation.beside={BESIDE}",
    "--config.interpolation.num_curves=2",
    "--config.interpolation.num_frames=5",
    "--config.geodesics.table_resolution=16",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    # As many samples as the entry beside has basis functions, and some to hold out.
    images = write_images(folder, num_per_class=24)
    arguments = ["--entry=chadebec2020/rhvae_circles_rings", f"--output_dir={folder}", images, *FEW]
    assert launch(interpolate, interpolate.program_flags, *arguments, *SMALL, *SMALL_METRIC) == 0
    return folder


def test_every_model_is_measured_under_its_own_metric(folder):
    metrics = check_results(folder)
    measured = metrics["measured"]
    assert list(measured["models"]) == list(MODELS) and measured["num_pairs"] == 4
    for name, numbers in measured["models"].items():
        assert numbers["straight_length"] > 0.0 and numbers["nearest_training_distance"]["straight"] > 0.0
        assert all(0.0 <= share <= 1.0 for share in numbers["share_on_data"].values())
        if name.startswith("chadebec2020/vae"):
            assert "geodesic_length" not in numbers
            continue
        # Ten epochs leave some of its basis functions so narrow that their metric jumps: what is shortest on few
        # points, as geodesics are found, may be longer than the straight line on more.
        jumps = name.startswith("arvanitidis2018")
        assert 0.0 < numbers["length_over_straight"] <= (1.3 if jumps else 1.01) and numbers["bend"] >= 0.0
        if jumps:
            exact = numbers["exact"]
            assert exact["num_pairs"] in (0, 4) and 0.0 <= exact.get("share_converged", 0.0) <= 1.0
            # What has converged is no longer than the curve found, whose few pieces are what it has too much.
            assert "largest" not in exact or -1e-3 < exact["mean_difference"] <= exact["largest"]
    assert measured["length_over_straight"] == measured["models"][metrics["entry"]]["length_over_straight"]
    # Straight lines of one model decode alike, whatever metric they are compared with.
    shares = [measured["models"][name]["share_on_data"]["straight"] for name in MODELS[-2:]]
    assert shares[0] == shares[1]
    assert set(measured["solvers"]) == {"cubic_spline/levenberg_marquardt", "neural/adam", "straight"}


def test_curves_join_the_same_images(folder):
    arrays = np.load(folder / "interpolation.npz")
    pairs = arrays["pairs"]
    assert pairs.shape == (2, 4) and (pairs[0] < pairs[1]).all() and pairs.max() < 38
    files = {name: name.replace("/", "_").replace(", ", "_") for name in MODELS}
    for name, file in files.items():
        straight = arrays[f"{file}_straight"]
        assert straight.shape == (4, 100, 2)
        if not name.startswith("chadebec2020/vae"):
            geodesic = arrays[f"{file}_geodesic"]
            np.testing.assert_allclose(geodesic[:, [0, -1]], straight[:, [0, -1]], atol=1e-5)
    drawn = {path.stem for path in (folder / "figures").glob("*.png")}
    assert drawn == {"training", "metrics"} | {
        f"{kind}_{file}" for kind in ("latent", "strip") for file in files.values()
    }
    # The models beside were trained in places of their own.
    assert not list((folder / "beside").rglob("metrics.json"))


def test_more_pairs_than_there_are_are_refused_before_training(tmp_path, capfd):
    arguments = ["--entry=chadebec2020/vae_circles_rings", f"--output_dir={tmp_path}", "--num_pairs=99999"]
    assert launch(interpolate, interpolate.program_flags, *arguments, *SMALL) == 2
    assert "--num_pairs=99999" in capfd.readouterr().err


def test_models_beside_that_cannot_be_trained_are_refused_before_any_is(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "train", None)
    images = write_images(tmp_path, num_per_class=15)  # too few for 32 basis functions
    arguments = ["--entry=chadebec2020/rhvae_circles_rings", f"--output_dir={tmp_path}", images, *FEW, *SMALL]
    assert launch(interpolate, interpolate.program_flags, *arguments) == 2
    error = capfd.readouterr().err
    assert "24 samples are too few for 32" in error and "--config.interpolation.beside" in error


def test_models_beside_share_data_and_epochs():
    config = zoo.config("chadebec2020/rhvae_fashion_sandal")
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=100, batch_size=7))
    # Three quarters of the epochs for the mean, one for the variance, also of a tenth as many.
    other = companions.adapt(zoo.config("arvanitidis2018/fashion_sandal"), config)
    assert (other.training.epochs, other.variance.epochs) == (75, 25)
    assert other.data == config.data and other.training.batch_size == 7
    assert other.geodesics.energy == "expected" and other.network.likelihood == "gaussian"
    for name in config.interpolation.beside:
        assert zoo.config(name).training.validation_fraction == config.training.validation_fraction
    # A model that makes all its passes watches nothing, whatever the run beside it does.
    watching = dataclasses.replace(config.training, patience=50, stop_on="training")
    for patience, expected in ((0, (0, "validation")), (100, (50, "training"))):
        beside = zoo.config("chadebec2020/vae_fashion_sandal")
        beside = dataclasses.replace(beside, training=dataclasses.replace(beside.training, patience=patience))
        adapted = companions.adapt(beside, dataclasses.replace(config, training=watching)).training
        assert (adapted.patience, adapted.stop_on) == expected
    config = zoo.config("chadebec2020/rhvae_generation_mnist_5")
    config = dataclasses.replace(config, network=dataclasses.replace(config.network, latent_dim=5))
    assert companions.adapt(zoo.config("chadebec2020/vae_generation_mnist_5"), config).network.latent_dim == 5
