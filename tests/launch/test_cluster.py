"""launch.cluster end to end on small data: files, continuation, the user's own data, bad input."""

import json
import types

import numpy as np
import pytest

import zoo
from launch import cluster, program
from launch.experiments import clustering, clustering_figures
from launch.running import distances as running_distances
from launch.running import geodesics, training
from launch.running.run import run_from_config
from tests.launch.rough_figures import WHOLE, drawing
from tests.launch.small_images import SMALL as SMALL_IMAGES
from tests.launch.small_images import SMALL_METRIC, write_images
from tfgeo.geodesics import grid_distances
from tfgeo.geodesics.stores import scheduler as schedulers

SMALL = [
    "--config.geodesics.warm_start=none",
    "--config.geodesics.num_points=6",
    "--config.training.epochs=60",
    "--config.variance.epochs=5",
    "--config.variance.num_components=4",
    "--config.figures.resolution=8",
    "--config.figures.volume_samples=2",
]


def launch(*arguments, main=cluster.main, flags=cluster.program_flags):
    return program.run(main, flags(), "launch", ["launch", *map(str, arguments)])


def two_moons(folder, *arguments):
    if not any(argument.startswith("--data=") for argument in arguments):
        arguments = ("--config.data.num_samples=24", *arguments)
    return launch("--entry=yang2018/two_moons", f"--output_dir={folder}", *SMALL, *arguments)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with drawing(WHOLE):  # as for users
        assert two_moons(folder) == 0
    return folder


def test_writes_what_the_contract_says(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert set(metrics) >= {"entry", "seed", "config", "versions", "measured", "reported", "seconds"}
    for score in ("accuracy", "f1"):
        assert set(metrics["measured"][score]) == {"geodesic", "euclidean", "spectral"}
        assert all(0.0 <= value <= 1.0 for value in metrics["measured"][score].values())
    assert set(metrics["seconds"]) >= {"train", "variance", "geodesics", "clustering", "total"}
    assert metrics["config"]["training"]["epochs"] == 60
    assert metrics["reported"]["accuracy"]["geodesic"] == 1.0
    arrays = np.load(finished / "clustering.npz")
    assert arrays["distances_geodesic"].shape == (24, 24) and arrays["length"].shape == (276,)
    assert not (finished / "unfinished").exists()
    report = (finished / "report.md").read_text()
    for picture in (finished / "figures").glob("*.png"):
        assert picture.with_suffix(".pdf").stat().st_size > 1000 and picture.name in report
    assert {path.stem for path in (finished / "figures").glob("*.png")} == {
        "clusters", "distances", "geodesics", "latent_space", "volume",
    }  # fmt: skip


def test_same_seed_same_bits_also_when_stopped(finished, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(clustering, "_cluster", stop)
        assert two_moons(tmp_path) == 130
    assert (tmp_path / "unfinished" / "geodesics.npz").exists() and not (tmp_path / "metrics.json").exists()
    monkeypatch.setattr(training, "train_networks", None)  # the networks must not be trained again
    assert two_moons(tmp_path) == 0
    one, other = (np.load(folder / "clustering.npz") for folder in (finished, tmp_path))
    assert all(np.array_equal(one[name], other[name]) for name in one.files)


def test_other_settings_do_not_continue_a_stopped_run(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(clustering, "measure_distances", stop)
    assert two_moons(tmp_path) == 130
    trained = []
    monkeypatch.setattr(
        training, "train_networks", lambda _, config, *rest, **how: trained.append(config.training.epochs)
    )
    assert two_moons(tmp_path, "--config.training.epochs=10") == 130
    assert trained == [10]


def test_other_weights_do_not_continue_a_stopped_run(tmp_path):
    def has_state(weights):
        run = run_from_config(zoo.config("yang2018/two_moons"), 0, tmp_path, weights=str(weights))
        run.begin()
        unfinished = run.unfinished
        found = (unfinished / "geodesics.npz").exists()
        (unfinished / "geodesics.npz").touch()
        return found

    file = tmp_path / "some.weights.h5"
    file.write_bytes(b"some")
    assert [has_state(weights) for weights in ("train", file, file, "pretrained", "train", "train")] == [
        False, False, True, False, False, True
    ]  # fmt: skip
    assert not has_state(file)
    file.write_bytes(b"others")
    assert not has_state(file)


def test_own_data_without_labels_have_no_scores(tmp_path, capsys):
    inputs = np.random.default_rng(0).normal(size=(30, 5)) + np.repeat([[0.0], [6.0], [12.0]], 10, axis=0)
    np.savez(tmp_path / "unlabelled.npz", x=inputs)
    several = ["--config.clustering.metrics=pullback,expected", "--config.clustering.grid_resolution=8"]
    assert two_moons(tmp_path / "out", f"--data={tmp_path / 'unlabelled.npz'}", *several) == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert not {"accuracy", "metrics"} & set(metrics["measured"]) and metrics["reported"] == {}
    # What was asked for and is not there is said.
    said = [line for line in capsys.readouterr().out.splitlines() if "no labels" in line]
    assert len(said) == 1 and "under pullback, expected of --config.clustering.metrics" in said[0]
    assert metrics["config"]["network"]["data_dim"] == 5 and metrics["config"]["clustering"]["num_clusters"] == 2


@pytest.mark.parametrize(
    ("labels", "names"),
    [([0, 0, 1, 1, 1, 1], ["zero", "one", "cluster 1"]), (None, ["cluster 1", "cluster 2", "cluster 3"])],
)
def test_clusters_without_a_class_have_the_numbers_of_the_table(labels, names):
    labels = None if labels is None else np.array(labels)
    data = types.SimpleNamespace(classes=None)
    samples = types.SimpleNamespace(labels=labels, class_names={0: "zero", 1: "one"})
    run = types.SimpleNamespace(samples=samples, config=types.SimpleNamespace(data=data))
    clusters = {"geodesic": np.array([1, 1, 0, 2, 2, 2])}
    result = types.SimpleNamespace(
        latents=np.zeros([6, 2]), distances={"geodesic": None}, clusters=clusters | {"spectral": np.arange(6) // 2},
        medoids={},
    )  # fmt: skip
    (legend,) = clustering_figures._clusters(run, result).legends
    assert [text.get_text() for text in legend.get_texts()] == names


def write(tmp_path, **arrays):
    np.savez(tmp_path / "bad.npz", **arrays)
    return f"--data={tmp_path / 'bad.npz'}"


BAD_DATA = {
    "nan": (lambda folder: write(folder, x=np.array([[0.0, np.nan]] * 20)), "not finite"),
    "no x": (lambda folder: write(folder, z=np.zeros([4, 2])), "x"),
    "few for components": (lambda folder: write(folder, x=np.eye(3)), "mixture components"),
    "few for clusters": (
        lambda folder: [write(folder, x=np.random.default_rng(0).normal(size=(6, 2))),
                        "--config.clustering.num_clusters=7"],
        "clusters",
    ),
    "missing": (lambda folder: f"--data={folder / 'none.npz'}", "none.npz"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_gives_one_line_and_exit_code_2(case, tmp_path, capfd):
    make, words = BAD_DATA[case]
    arguments = make(tmp_path)
    arguments = [arguments] if isinstance(arguments, str) else arguments
    assert two_moons(tmp_path / "out", *arguments) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("error: ") and words in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--entry=yang2018/two_moon"], "yang2018/two_moons"),
        ([], "--entry"),
        (["--entry=yang2018/two_moons"], "--output_dir"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.training.epoch=3"], "epoch"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.training.epochs=-3"], "epochs"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.training.epochs=many"], "epochs"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.training.learning_rate=-1"], "learning_rate"),
        (
            ["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.network.output_variance=0"],
            "output_variance",
        ),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.geodesics.solver=newton"], "solver"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.geodesics.distance=far"], "distance"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--config.data.name=moons"], "two_moons"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--seed=-1"], "seed"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "--sed=1"], "sed"),
        (["--entry=yang2018/two_moons", "--output_dir=OUT", "stray"], "stray"),
        (["--entry=yang2018/mnist_012", "--output_dir=OUT", "--data_dir=EMPTY"], "train-images"),
    ],
)
def test_bad_flags_give_one_line_and_exit_code_2(arguments, words, tmp_path, capfd, monkeypatch):
    import keras

    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(keras.utils, "get_file", no_network)
    (tmp_path / "empty").mkdir()
    replace = {"OUT": str(tmp_path / "out"), "EMPTY": str(tmp_path / "empty")}
    for word, path in replace.items():
        arguments = [argument.replace(word, path) for argument in arguments]
    assert launch(*arguments) == 2
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0]
    assert not (tmp_path / "out").exists()


def test_entries_that_cannot_be_clustered_are_refused_before_training(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "train", None)
    for name, section in (
        ("chadebec2020/rhvae_circles_rings", "clustering"),
        ("chadebec2020/vae_circles_rings", "geodesics"),
    ):
        assert launch(f"--entry={name}", f"--output_dir={tmp_path}") == 2
        assert f"has no section `{section}`" in capfd.readouterr().err


def test_output_folder_that_cannot_be_written(tmp_path, capfd):
    (tmp_path / "file").write_text("in the way")
    assert two_moons(tmp_path / "file" / "out") == 2
    assert "file" in capfd.readouterr().err


def test_a_refused_run_leaves_neither_its_folders_nor_touches_what_is_there(tmp_path):
    assert two_moons(tmp_path / "a" / "b", "--data=none.npz") == 2
    assert not (tmp_path / "a").exists()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "kept").write_text("kept")
    assert two_moons(tmp_path / "a" / "b" / "c", "--data=none.npz") == 2
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "b", "kept"}


def test_clusters_under_a_learned_metric(tmp_path, monkeypatch):
    measured_on_grids = []

    def measure(manifold, latents, **settings):
        measured_on_grids.append(type(manifold).__name__)
        return grid_distances(manifold, latents, **settings)

    monkeypatch.setattr(geodesics, "grid_distances", measure)
    flags = ["--config.clustering.grid_resolution=12", "--config.geodesics.table_resolution=16"]
    flags += ["--config.clustering.metrics=learned,identity,fisher_rao", "--config.clustering.num_subsamples=3"]
    arguments = ["--entry=chadebec2020/rhvae_clustering_circles_rings", f"--output_dir={tmp_path}"]
    images = write_images(tmp_path)
    assert launch(*arguments, images, *SMALL_IMAGES, *SMALL_METRIC, *flags) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for score in ("accuracy", "f1"):
        assert set(metrics["measured"][score]) == {"geodesic", "dijkstra", "euclidean", "spectral"}
    assert set(metrics["seconds"]) >= {"train", "geodesics", "grid", "clustering"}
    arrays = np.load(tmp_path / "clustering.npz")
    solved, on_grid = arrays["distances_geodesic"], arrays["distances_dijkstra"]
    assert solved.shape == on_grid.shape == (30, 30) and np.array_equal(on_grid, on_grid.T)
    # Two ways to the same distances: a coarse grid is a few per cent too long.
    far = solved > 0.2 * solved.max()
    assert np.median(on_grid[far] / solved[far]) == pytest.approx(1.0, abs=0.1)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn == {"clusters", "distances", "distance_maps", "geodesics", "images", "latent_space"}
    # What the metric holds is not called as the metrics that are compared are.
    assert metrics["measured"]["learned_metric"]["verdict"] and "metric" not in metrics["measured"]
    # The same points under several metrics; that of the entry again, by name, but not measured again.
    assert measured_on_grids == ["CentroidMetric", "CentroidMetric", "FisherRao"]
    by_metric = metrics["measured"]["metrics"]
    assert set(by_metric) == {"euclidean", "learned", "identity", "fisher_rao"}
    for name, other in (("learned", "dijkstra"), ("euclidean", "euclidean")):
        assert by_metric[name]["f1"]["all"] == metrics["measured"]["f1"][other]
    for scores in by_metric.values():
        difference = scores["f1"]["subsamples"]["mean"] - by_metric["euclidean"]["f1"]["subsamples"]["mean"]
        assert scores["f1"]["gain"]["mean"] == pytest.approx(difference)
    assert by_metric["euclidean"]["f1"]["gain"] == {"mean": 0.0, "std": 0.0}
    assert "| fisher_rao |" in (tmp_path / "report.md").read_text()


def test_metrics_that_cannot_be_compared_are_refused_before_training(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "train", None)
    learned, decoded = "chadebec2020/rhvae_clustering_circles_rings", "yang2018/two_moons"
    grid = "--config.clustering.grid_resolution=12"
    for entry, flags, words in (
        (learned, ["metrics=unknown"], "'unknown' is not known"),
        (learned, ["metrics=learned", "grid_resolution=0"], "there is none"),
        (learned, ["metrics=saturated", "num_starts=-1"], "num_starts"),
        (decoded, ["metrics=expected,adaptive", "grid_resolution=12"], "adaptive of `clustering.metrics`"),
        # One letter short of the field, and of the metric.
        (learned, ["metric=fisher_rao"], "metrics"),
        (learned, ["metrics=fisher"], "fisher_rao, pullback, expected"),
    ):
        flags = [f"--config.clustering.{flag}" for flag in flags]
        assert launch(f"--entry={entry}", f"--output_dir={tmp_path / 'out'}", *flags) == 2
        assert words in capfd.readouterr().err
    flags = ["--config.clustering.metrics=density, adaptive", "--config.metric.temperature=adaptive", grid]
    assert launch(f"--entry={learned}", f"--output_dir={tmp_path / 'out'}", *flags) == 2
    assert "density of `clustering.metrics` have one temperature" in capfd.readouterr().err
    # Known with the data: there are no more centroids than samples to train on, of which 6 - 2 are left here.
    arguments = [write_images(tmp_path, num_per_class=3), *SMALL_IMAGES, "--config.training.batch_size=4", grid]
    arguments += ["--config.clustering.metrics=adaptive", "--config.metric.neighbour=4"]
    assert launch(f"--entry={learned}", f"--output_dir={tmp_path / 'out'}", *arguments) == 2
    assert "neighbour 4 of each centroid, but there are 4 centroids; give more" in capfd.readouterr().err
    flags = ["--config.clustering.metrics=learned", "--config.metric.factors=identity", grid]
    assert launch(f"--entry={learned}", f"--output_dir={tmp_path / 'out'}", *flags) == 2
    assert "takes learned factors" in capfd.readouterr().err


def test_a_grid_needs_a_plane(tmp_path, capfd):
    arguments = ["--entry=chadebec2020/rhvae_clustering_mnist_1", f"--output_dir={tmp_path}"]
    assert launch(*arguments, "--config.network.latent_dim=3") == 2
    assert "latent plane" in capfd.readouterr().err


def test_distances_without_a_solver_say_how_far_off_they_are(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    flags = [
        "--config.geodesics.method=graph",
        "--config.geodesics.energy=pullback",
        "--config.figures.num_curves=2",
    ]
    with monkeypatch.context() as patch:
        patch.setattr(clustering, "_cluster", stop)
        assert two_moons(tmp_path, *flags) == 130
    monkeypatch.setattr(training, "train_networks", None)
    monkeypatch.setattr(running_distances.DistanceJob, "run", None)  # what was found is not found again
    assert two_moons(tmp_path, *flags) == 0
    measured = json.loads((tmp_path / "metrics.json").read_text())["measured"]
    assert measured["num_pairs"] == 276 and measured["found_by"] == "method 'graph'"
    assert 0.0 <= measured["error"]["median"] < 0.2 and measured["error"]["num_pairs"] > 200
    assert "error against the solver on" in (tmp_path / "report.md").read_text()
    arrays = np.load(tmp_path / "clustering.npz")
    assert "length" not in arrays.files and arrays["distances_geodesic"].shape == (24, 24)
    # Curves are drawn all the same.
    assert (tmp_path / "figures" / "geodesics.png").exists()


@pytest.fixture(scope="module")
def scheduler():
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("zarr")
    settings = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**settings) as one:
        yield one.scheduler_address


def test_workers_find_the_distances_that_this_process_does(finished, scheduler, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(clustering.clustering_figures, "draw", lambda run, result: [])
    assert two_moons(tmp_path, f"--scheduler={scheduler}") == 0
    one, other = (np.load(folder / "clustering.npz") for folder in (finished, tmp_path))
    np.testing.assert_allclose(other["distances_geodesic"], one["distances_geodesic"], rtol=1e-3)
    measured = json.loads((tmp_path / "metrics.json").read_text())["measured"]
    assert measured["found_by"] == "the solver on the workers of a cluster"
    # Wherever the scheduler is, the run is the same; but it is not that of this process.
    assert two_moons(tmp_path, "--scheduler=tcp://elsewhere:1") == 0
    assert "nothing is left to do" in capfd.readouterr().out
    assert two_moons(tmp_path) == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--scheduler=tcp://127.0.0.1:1"], "the scheduler tcp://127.0.0.1:1 does not answer"),
        (["--scheduler=tcp://x", "--config.geodesics.method=grid"], "leave one of both out"),
        (["--scheduler=tcp://x", "--config.geodesics.warm_start=graph"], "paths of single pairs"),
        (["--config.geodesics.method=grid", "--config.network.latent_dim=3"], "latent_dim=3"),
        (["--config.geodesics.method=graph", "--config.geodesics.distance=energy"], "is no square"),
        (["--config.geodesics.method=graf"], "geodesics.method"),
    ],
)
def test_distances_that_cannot_be_found_are_refused_before_training(flags, words, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "train", None)
    monkeypatch.setattr(schedulers, "CONNECT_SECONDS", 0.5)
    assert two_moons(tmp_path / "out", *flags) == 2
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0]
    assert not (tmp_path / "out").exists()


def test_workers_of_another_version_are_refused_before_training(scheduler, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "train", None)
    monkeypatch.setattr(schedulers, "versions", lambda: {"tensorflow": "3.0.0"})
    assert two_moons(tmp_path / "out", f"--scheduler={scheduler}") == 2
    assert "this process 3.0.0" in capfd.readouterr().err
