"""The user's own data in place of an entry's: every override holds or is refused, every format runs."""

import numpy as np
import pytest
from PIL import Image

import zoo
from launch import cluster, evaluate, interpolate, program, train
from launch.reporting import figures
from launch.running.geodesics import choose_pairs
from launch.running.run import run_from_flags
from tests.launch.small_images import SMALL, check_results, launch
from tests.launch.test_cluster import SMALL as SMALL_TABLE
from tfgeo.errors import UserError
from zoo import registry

MOONS = "--entry=yang2018/two_moons"
X = np.random.default_rng(0).normal(size=(40, 5)) + np.repeat([[0.0], [6.0]], 20, axis=0)
# "b" comes first: labels are numbered in sorted order.
WORDS = np.repeat(np.array(["b", "a"], dtype=object), 20)


def save(folder, name="my.npz", **arrays):
    np.savez(folder / name, **arrays)
    return f"--data={folder / name}"


def prepare(folder, *arguments, entry=MOONS, **settings):
    """The run of a command line, before its training."""
    values = program.entry_flags()
    program._parse(values, ["launch", entry, f"--output_dir={folder / 'out'}", *arguments], True)
    return run_from_flags(values, **settings)


@pytest.fixture
def own(tmp_path):
    return save(tmp_path, x=X, y=WORDS)


def test_what_the_data_decide_where_nothing_was_given(tmp_path, own):
    config = prepare(tmp_path, own).config
    assert config.network.data_dim == 5 and config.clustering.num_clusters == 2
    assert config.training.batch_size == config.variance.batch_size == 40
    assert config.data.samples_per_class == 0 and not config.data.standardize
    assert "my.npz in place of its data" in config.summary and config.reported.geodesic is None


def test_every_override_holds(tmp_path, own):
    given = {
        "clustering.num_clusters": 7, "clustering.method": "fasterpam", "data.standardize": True,
        "data.classes": ("a",), "data.samples_per_class": 9, "network.data_dim": 5, "training.batch_size": 3,
        "variance.batch_size": 4, "variance.num_components": 2, "figures.num_curves": 2, "summary": "mine",
        "geodesics.energy": "pullback", "geodesics.warm_start": "none", "evaluation.repeats": 3,
    }  # fmt: skip
    run = prepare(tmp_path, own, *(f"--config.{place}={value}" for place, value in given.items()))
    for place, value in given.items():
        found = run.config
        for name in place.split("."):
            found = getattr(found, name)
        assert found == value, place
    assert len(run.dataset) == 20 and len(run.samples) == 9 and set(run.dataset.labels) == {0}
    np.testing.assert_allclose(run.dataset.inputs.std(axis=0), 1.0, rtol=1e-5)


def test_subsets_are_disjoint_draws_of_every_class(tmp_path, own):
    draw = ["--config.data.training_per_class=8", "--config.variance.num_components=3"]
    runs = [prepare(tmp_path, own, *draw, f"--config.data.subset={index}") for index in range(2)]
    assert all(np.bincount(run.dataset.labels).tolist() == [8, 8] for run in runs)
    rows = np.concatenate([run.dataset.inputs for run in runs])
    assert len(np.unique(rows, axis=0)) == 32


@pytest.mark.parametrize("labelled", [True, False])
def test_many_samples_are_compared_in_part_unless_all_are_asked_for(tmp_path, labelled, capsys):
    x = np.random.default_rng(1).normal(size=(250, 2))
    labels = {"y": np.repeat([0, 1], [247, 3])} if labelled else {}
    data = save(tmp_path, x=x, **labels)
    run = prepare(tmp_path, data)
    # Of two classes a hundred each, and all of the one with fewer.
    assert len(run.samples) == (103 if labelled else 200)
    np.testing.assert_array_equal(x[run.samples.rows].astype(np.float32), run.samples.inputs)
    assert f"{len(run.samples)} of 250 samples are compared" in capsys.readouterr().out
    assert len(prepare(tmp_path, data, "--config.data.samples_per_class=0").samples) == 250
    assert len(prepare(tmp_path, data, "--config.data.samples_per_class=3").samples) == (6 if labelled else 3)


def test_programs_that_compare_nothing_announce_no_comparison(tmp_path, capsys):
    x = np.random.default_rng(1).normal(size=(250, 2))
    data, fewer = save(tmp_path, x=x), "--config.data.samples_per_class=2"
    assert len(prepare(tmp_path, data, compares=False).samples) == 250
    assert "compared" not in capsys.readouterr().out
    clusters = "--config.clustering.num_clusters=3"
    assert len(prepare(tmp_path, data, fewer, clusters, compares=False).samples) == 2
    with pytest.raises(UserError, match="2 samples are too few for 3 clusters"):
        prepare(tmp_path, data, fewer, clusters, clusters=True)


def test_programs_without_all_distances_refuse_a_method_for_them(tmp_path, own, capfd):
    words = "--config.geodesics.method=graph finds all distances of launch.cluster"
    check_refused(capfd, tmp_path, words, MOONS, own, "--config.geodesics.method=graph", door=train)
    run = prepare(tmp_path, own, "--config.geodesics.method=graph", clusters=True)
    assert run.config.geodesics.method == "graph"


def test_raw_counts_under_a_gaussian_are_pointed_out_and_bytes_scaled(tmp_path, capsys):
    counts = np.random.default_rng(0).poisson(20.0, size=(30, 4))
    prepare(tmp_path, save(tmp_path, x=counts))
    assert "if they are counts" in capsys.readouterr().out
    run = prepare(tmp_path, save(tmp_path, x=counts.astype(np.uint8)))
    out = capsys.readouterr().out
    assert run.dataset.inputs.max() < 1.0 and "scaled from 0 .. 255 to [0, 1]" in out and "if they are" not in out
    run = prepare(tmp_path, save(tmp_path, x=counts.astype(np.uint8)), "--config.network.likelihood=poisson")
    np.testing.assert_array_equal(run.dataset.inputs, counts)
    for values in (np.log1p(counts), np.round(X > 3.0)):
        prepare(tmp_path, save(tmp_path, x=values))
        assert "if they are" not in capsys.readouterr().out


@pytest.mark.parametrize("likelihood", ["bernoulli", "poisson", "negative_binomial"])
def test_another_likelihood_brings_what_follows_from_it(tmp_path, likelihood, capsys):
    data = save(tmp_path, x=(X > 3.0).astype(int), y=WORDS)
    config = prepare(tmp_path, data, f"--config.network.likelihood={likelihood}").config
    assert config.variance is None and config.geodesics.warm_start == "none"
    assert config.geodesics.distance == "length"
    assert config.geodesics.energy == ("expected" if likelihood == "bernoulli" else "fisher_rao")
    assert f"{likelihood} likelihood, no variance is fitted" in capsys.readouterr().out
    given = ["--config.geodesics.energy=pullback", "--config.geodesics.warm_start=graph"]
    config = prepare(tmp_path, data, f"--config.network.likelihood={likelihood}", *given).config
    assert config.geodesics.energy == "pullback" and config.geodesics.warm_start == "graph"
    # An entry that has the likelihood is left as it is.
    entry = "chadebec2020/rhvae_clustering_mnist_1"
    config = prepare(tmp_path, data, "--config.network.likelihood=bernoulli", entry=f"--entry={entry}").config
    assert config.geodesics == registry.config(entry).geodesics


@pytest.mark.parametrize(("name", "mean"), [("counts", "linear"), ("images", "sigmoid")])
def test_a_gaussian_in_place_of_another_family_is_a_whole_one(tmp_path, name, mean, capsys):
    x = np.random.default_rng(0).uniform(size=(40, 6, 5))
    data = save(tmp_path, x=x if name == "images" else x.reshape(40, 30) - 0.5)
    gaussian, entry = "--config.network.likelihood=gaussian", f"--entry=generic/{name}"
    config = prepare(tmp_path, data, gaussian, entry=entry).config
    assert config.network.mean_activation == mean and config.network.learn_output_variance
    assert config.geodesics.energy == "pullback"
    assert "gaussian likelihood, its one variance is learned" in capsys.readouterr().out
    given = ["--config.network.output_variance=0.2", "--config.geodesics.energy=expected"]
    config = prepare(tmp_path, data, gaussian, *given, entry=entry).config
    assert config.network.output_variance == 0.2 and not config.network.learn_output_variance
    assert config.geodesics.energy == "expected"


REFUSED = {
    "name": (["--config.data.name=mnist"], "config.data.name does not hold for --data"),
    "path": (["--config.data.path=other.npz"], "config.data.path does not hold"),
    "drawn": (["--config.data.num_samples=9"], "config.data.num_samples does not hold"),
    "label column": (["--config.data.label_column=y"], "config.data.label_column does not hold"),
    "no images": (["--config.data.size=8"], "no images"),
    "subset": (["--config.data.subset=1"], "needs --config.data.training_per_class"),
    "class": (["--config.data.classes=('c',)"], "unknown class of my 'c'"),
    "few per class": (["--config.data.training_per_class=21"], "fewer than the 21 per class"),
    "few compared": (["--config.data.samples_per_class=21"], "the smallest class of my has 20 samples"),
    "width": (["--config.network.data_dim=7"], "my has 5 values per sample"),
    "batch": (["--config.training.batch_size=41"], "more than the 40 samples to train on"),
    "batch of the variance": (["--config.variance.batch_size=41"], "more than the 40 samples to train on"),
    "clusters": (["--config.clustering.num_clusters=41"], "too few for 41 clusters"),
    "reported": (["--config.reported.geodesic=0.5"], "of the paper's data"),
    "no counts": (["--config.network.likelihood=poisson"], "must be counts 0, 1, 2, ..., but row 0, column"),
    "no pixels": (["--config.network.likelihood=bernoulli"], "takes [0, 1]"),
    "variance": (["--config.network.likelihood=poisson", "--config.variance.epochs=3"], "no `variance` to fit"),
    "output variance": (
        ["--config.network.likelihood=poisson", "--config.network.output_variance=3.0"],
        "no `network.output_variance`",
    ),
    "mean": (["--config.network.mean_activation=sigmoid"], "the decoder's mean from 0 to 1"),
    "mean of counts": (
        ["--config.network.likelihood=poisson", "--config.network.mean_activation=linear"],
        "mean_activation=exponential",
    ),
    "weights": (["--weights=pretrained"], "leave --data or --weights out"),
    "no such weights": (["--weights=none.weights.h5"], "none.weights.h5 does not exist"),
}  # fmt: skip
BAD_DATA = {
    "one sample": ({"x": X[:1]}, "1 sample is too few"),
    "one class": ({"x": X, "y": np.zeros(40, int)}, "all of one class"),
    "no classes": ({"x": X, "y": np.arange(40)}, "all differ"),
    "constant": ({"x": np.tile(np.arange(5.0), (40, 1))}, "all 5 values of my are the same in every sample"),
    "nan": ({"x": np.where(X > 6.0, np.nan, X)}, "not finite"),
    "words": ({"x": X.astype(str)}, "not real numbers"),
    "colours": ({"x": np.zeros((40, 4, 4, 3))}, "colours are not taken"),
    "labels": ({"x": X, "y": np.zeros(39)}, "(39,)"),
}


def check_refused(capfd, folder, words, *arguments, door=cluster, flags=program.entry_flags):
    """Exit code 2, one line, and nothing left."""
    assert launch(door, flags, f"--output_dir={folder / 'new' / 'out'}", *arguments) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("error: ") and words in lines[0]
    assert not (folder / "new").exists()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_hold_is_refused_before_training(case, tmp_path, own, capfd):
    arguments, words = REFUSED[case]
    check_refused(capfd, tmp_path, words, MOONS, own, *arguments)


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_are_refused_before_training(case, tmp_path, capfd):
    arrays, words = BAD_DATA[case]
    check_refused(capfd, tmp_path, words, MOONS, save(tmp_path, **arrays), "--config.variance.num_components=1")


def test_other_programs_refuse_before_training_too(tmp_path, own, capfd):
    pairs = {"door": interpolate, "flags": interpolate.program_flags}
    words = "--num_pairs=781 is more than the 780 pairs"
    check_refused(capfd, tmp_path, words, "--entry=gimli2018/two_moons", own, "--num_pairs=781", **pairs)
    check_refused(capfd, tmp_path, "leave it out", MOONS, own, "--weights=pretrained", door=train)
    check_refused(capfd, tmp_path, "give --data=FILE", MOONS, "--config.data.path=my.npz", door=train)
    rhvae = "--entry=chadebec2020/rhvae_mnist_012"
    centroids = "--config.metric.num_centroids=33"
    check_refused(capfd, tmp_path, "the 32 samples to train on", rhvae, own, centroids, door=evaluate)
    single = save(tmp_path, "single.npz", x=np.eye(3, 5), y=[0, 0, 1])
    check_refused(capfd, tmp_path, "one sample only, none to hold out", rhvae, single, door=evaluate)


RANDOM = np.random.default_rng(0)
# Three classes of ten with rates of their own; cluster means of log(1 + x) tell them apart without error.
COUNTS = RANDOM.poisson(np.repeat(np.exp(RANDOM.normal(1.5, 1.0, size=(3, 12))), 10, axis=0))
CLASSES = np.repeat(np.array(["r", "s", "t"], dtype=object), 10)


def write_table(folder):
    """COUNTS as a csv file with an index and labels, as pandas writes them; the flags that read it."""
    names = [f"gene {index}" for index in range(12)]
    rows = [["", *names, "kind"], *([row, *COUNTS[row], CLASSES[row]] for row in range(30))]
    (folder / "my.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    return [f"--data={folder / 'my.csv'}", "--config.data.label_column=kind"]


def test_a_table_is_read_with_the_names_of_its_classes(tmp_path, capsys):
    run = prepare(tmp_path, *write_table(tmp_path), "--config.network.likelihood=poisson")
    np.testing.assert_array_equal(run.dataset.inputs, COUNTS)
    assert figures.class_names(run) == dict(enumerate("rst")) and run.config.clustering.num_clusters == 3
    assert "which has no name, is left out" in capsys.readouterr().out


@pytest.mark.parametrize(("likelihood", "num_clusters"), [("poisson", 3), ("negative_binomial", 4)])
def test_counts_are_clustered_along_finite_geodesics(tmp_path, likelihood, num_clusters):
    data = write_table(tmp_path) if likelihood == "poisson" else [save(tmp_path, x=COUNTS, y=CLASSES)]
    flags = [flag for flag in SMALL_TABLE if not any(word in flag for word in ("variance", "warm_start", "epochs"))]
    flags += [f"--config.network.likelihood={likelihood}", "--config.training.epochs=600"]
    if num_clusters != 3:
        flags.append(f"--config.clustering.num_clusters={num_clusters}")
    out = tmp_path / "out"
    assert launch(cluster, program.entry_flags, MOONS, *data, f"--output_dir={out}", *flags) == 0
    metrics = check_results(out)
    assert metrics["config"]["variance"] is None and metrics["config"]["geodesics"]["energy"] == "fisher_rao"
    arrays = np.load(out / "clustering.npz")
    assert arrays["length"].shape == (435,) and np.isfinite(arrays["length"]).all()
    assert arrays["rows"].tolist() == list(range(30))
    assert metrics["measured"]["share_converged"] > 0.95
    assert sorted(np.unique(arrays["clusters_geodesic"])) == list(range(num_clusters))
    # A fourth cluster divides a class.
    assert metrics["measured"]["accuracy"]["geodesic"] > (0.9 if num_clusters == 3 else 0.7)


def test_a_folder_of_images(tmp_path):
    random = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 150)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(10):
            pixels = random.integers(low, low + 100, size=(8 + index % 2, 9)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    out, data = tmp_path / "out", f"--data={tmp_path / 'images'}"
    entry = "--entry=chadebec2020/vae_mnist_012"
    flags = [f"--output_dir={out}", *SMALL, "--config.data.size=6"]
    assert launch(evaluate, program.entry_flags, entry, data, *flags) == 0
    metrics = check_results(out)
    assert metrics["config"]["network"]["data_dim"] == 36 and metrics["config"]["data"]["size"] == 6
    assert (out / "figures" / "images.png").exists()


def test_few_samples_are_connected_in_all_pairs(tmp_path, own, capsys):
    run, values = prepare(tmp_path, own), interpolate.program_flags()
    values(["launch"])
    rows, columns = choose_pairs(run, 8, values)
    assert len(set(zip(rows, columns, strict=True))) == 28 and (rows < columns).all() and columns.max() == 7
    assert "all 28 of 8 samples" in capsys.readouterr().out
    assert len(choose_pairs(run, 40, values)[0]) == 200
    values(["launch", "--num_pairs=29"])
    with pytest.raises(UserError, match="--num_pairs=29 is more than the 28 pairs"):
        choose_pairs(run, 8, values)


@pytest.mark.parametrize("name", zoo.names("generic/*"))
def test_recipes_take_data_and_without_say_how_to_give_them(tmp_path, name, capsys):
    x = np.random.default_rng(0).integers(0, 2, size=(40, 6, 5))
    run = prepare(tmp_path, save(tmp_path, x=x if "images" in name else x.reshape(40, 30)), entry=f"--entry={name}")
    assert run.config.network.data_dim == 30 and run.config.summary.endswith(f": {tmp_path / 'my.npz'}")
    assert run.config.data.standardize == (name == "generic/tabular")
    if run.config.network.filters:
        assert run.config.network.image_shape == (6, 5)
    with pytest.raises(UserError, match="recipe for data of your own; give them by --data"):
        prepare(tmp_path, entry=f"--entry={name}")


def test_another_likelihood_leaves_the_values_as_they_are(tmp_path):
    counts = np.random.default_rng(0).poisson(5.0, size=(40, 6))
    likelihood = "--config.network.likelihood=negative_binomial"
    run = prepare(tmp_path, save(tmp_path, x=counts), likelihood, entry="--entry=generic/tabular")
    np.testing.assert_array_equal(run.dataset.inputs, counts)
