"""The SavedModel, as `launch.export` writes it, in a process that has TensorFlow alone."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import zoo
from launch import export as door
from launch import program
from tests.cases import paraboloid
from tfgeo.errors import UserError
from tfgeo.export import export, export_manifold
from tfgeo.geodesics import connect
from tfgeo.geodesics.saved_model import check_export_folder
from tfgeo.manifolds import Pullback

# Nothing of this package nor of TFP can be imported in there.
CALLER = """
import sys
for name in ("tfgeo", "zoo", "launch", "tensorflow_probability", "keras", "tf_keras"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
given = np.load(sys.argv[2])
x, start, end = (tf.constant(given[name]) for name in ("x", "start", "end"))
results = {}
for size in (1, 7, 40):
    pair = {"start": start[:size], "end": end[:size]}
    for name, arguments in {
        "encode": {"x": x[:size]}, "decode": {"z": start[:size]}, "metric": {"z": start[:size]},
        "geodesic": pair, "distance": pair,
    }.items():
        for key, value in signatures[name](**arguments).items():
            results[f"{name}/{key}/{size}"] = value.numpy()
np.savez(sys.argv[3], **results)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory, optimized_graphs):  # as in the other process: optimizing changes how numbers round
    folder = tmp_path_factory.mktemp("export")
    entry = zoo.load("yang2018/two_moons")
    x = entry.dataset().inputs
    z = entry.model.encode(x).mean().numpy()
    start, end = z[:40], z[60:]
    arguments = ["launch", "--entry=yang2018/two_moons", f"--output_dir={folder}"]
    assert program.run(door.main, door.program_flags(), door.__doc__, arguments, False) == 0
    np.savez(folder / "given.npz", x=x, start=start, end=end)
    arguments = [str(folder / name) for name in ("saved_model", "given.npz", "results.npz")]
    finished = subprocess.run(
        [sys.executable, "-c", CALLER, *arguments], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    settings = (entry.curve(), entry.solver(), entry.warm_start(), entry.config.geodesics.num_points)
    expected = connect(entry.manifold(), start, end, *settings)
    return entry, x, start, expected, dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("size", [1, 7, 40])
def test_answers_as_the_package_does(exported, size):
    entry, x, start, expected, results = exported
    posterior = entry.model.encode(x[:size])
    np.testing.assert_allclose(results[f"encode/mean/{size}"], posterior.mean(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[f"encode/stddev/{size}"], posterior.stddev(), rtol=1e-5)
    decoded = entry.model.decode(start[:size])
    np.testing.assert_allclose(results[f"decode/mean/{size}"], decoded.mean(), rtol=1e-5, atol=1e-5)
    metric = entry.manifold().metric_tensor(tf.constant(start[:size]))
    np.testing.assert_allclose(results[f"metric/metric/{size}"], metric, rtol=1e-4, atol=1e-5)
    # The same arithmetic in the same order, in whatever batch: what solvers amplify has to be equal before.
    np.testing.assert_allclose(results[f"geodesic/energy/{size}"], expected.energy[:size], rtol=1e-6)
    np.testing.assert_allclose(results[f"geodesic/length/{size}"], expected.length[:size], rtol=1e-5)
    curves = expected.points(results["geodesic/points/40"].shape[1])
    np.testing.assert_allclose(results[f"geodesic/points/{size}"], curves[:size], atol=1e-5)
    np.testing.assert_allclose(results[f"distance/length/{size}"], results[f"geodesic/length/{size}"], rtol=1e-6)
    np.testing.assert_array_equal(results[f"geodesic/converged/{size}"], expected.converged[:size])


def test_points_meet_the_ends(exported):
    _, _, start, expected, results = exported
    points = results["geodesic/points/40"]
    np.testing.assert_array_equal(points[:, 0], start)
    np.testing.assert_array_equal(points[:, -1], expected.end)


def test_an_export_is_replaced_whole_and_has_the_metric_of_its_geodesics(tmp_path):
    entry = zoo.load("yang2018/two_moons", weights=None)
    entry.model.decoder.uses_precision = True
    (tmp_path / "saved_model" / "assets").mkdir(parents=True)
    for name in ("saved_model.pb", "assets/old"):
        (tmp_path / "saved_model" / name).write_text("an older export")
    settings = (entry.curve(), entry.solver(), None, 5)
    # Not the expected metric of the decoder, whose variance has a part in that.
    manifold = Pullback(lambda z: entry.model.decode(z).mean())
    export(entry.model, manifold, *settings, tmp_path / "saved_model")
    assert {path.name for path in tmp_path.iterdir()} == {"saved_model"}
    assert not (tmp_path / "saved_model" / "assets" / "old").exists()
    z = tf.random.stateless_normal([4, 2], [1, 2])
    metric = tf.saved_model.load(str(tmp_path / "saved_model")).signatures["metric"](z=z)["metric"]
    np.testing.assert_allclose(metric, manifold.metric_tensor(z), rtol=1e-4)
    assert np.abs(metric - entry.manifold().metric_tensor(z)).max() > 0.01 * np.abs(metric).max()


SURFACE = Pullback(paraboloid)
ENDS = {"start": tf.constant([[0.1, -0.4]]), "end": tf.constant([[0.5, 0.6]])}


def test_curves_and_solvers_have_the_names_of_connect(tmp_path):
    settings = {"curve": "polyline", "solver": "georce"}
    folder = export_manifold(SURFACE, 2, tmp_path / "saved", **settings)
    found = tf.saved_model.load(str(folder)).signatures["distance"](**ENDS)["length"]
    expected = connect(SURFACE, ENDS["start"], ENDS["end"], **settings).length
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"curve": "quadratc"}, "unknown curve 'quadratc'.*'quadratic'"),
        ({"solver": "addam"}, "unknown solver 'addam'.*'adam'"),
        ({"curve": None}, "`curve` is None; give a name"),
        ({"curve": "neural"}, "Neural has .* parameters"),
        ({"solver": "georce"}, "georce moves the nodes of a polyline"),
        ({"warm_start": np.zeros([1, 5, 2])}, "`warm_start` is ndarray, which belongs to pairs that are known"),
        ({"num_points": 2}, "`num_points` must be an integer of at least 3"),
    ],
)
def test_what_connect_refuses_is_not_exported(tmp_path, settings, said):
    with pytest.raises(UserError, match=said):
        export_manifold(SURFACE, 2, tmp_path / "saved", **settings)
    assert not (tmp_path / "saved").exists()


def test_georce_is_not_exported_for_a_metric_that_jumps(tmp_path):
    kinked = Pullback(lambda z: tf.nn.relu(z @ tf.random.stateless_normal([2, 20], [0, 1])))
    with pytest.raises(UserError, match="georce needs second derivatives"):
        export_manifold(kinked, 2, tmp_path / "saved", "polyline", "georce")


def test_nothing_but_an_export_is_replaced(tmp_path, monkeypatch):
    """A working folder that was given by mistake keeps its files."""
    (tmp_path / "results" / "deep").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "variables" / "variables").mkdir(parents=True)
    for name, message in (
        ("results", "holds deep, which is part of no export"),
        ("variables", "holds variables, which is part of no export"),
        ("notes.txt", "is a link or a file"),
        ("~nobody-of-this-name/saved", "cannot write to the folder"),
        ("notes.txt/saved", "is a file, not a folder"),
    ):
        with pytest.raises(UserError, match=message):
            export_manifold(SURFACE, 2, name if name.startswith("~") else tmp_path / name)
    assert (tmp_path / "results" / "deep").is_dir() and (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UserError, match="that this program runs in"):
        export_manifold(SURFACE, 2, ".")
    monkeypatch.undo()
    for _ in range(2):  # the second time in place of the first
        folder = export_manifold(SURFACE, 2, tmp_path / "empty")
    (folder / "mine.txt").touch()
    with pytest.raises(UserError, match=r"holds mine\.txt"):
        check_export_folder(folder)
