"""launch.benchmark: every suite on a tiny problem, what is judged and counted, and bad input."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf

from launch import benchmark, program
from launch.benchmarks import geodesics, measuring, pairwise, problem, record, scale, scale_tasks, training
from launch.benchmarks.measuring import Judge, needed_flops, timed
from launch.benchmarks.methods import METHODS, Method
from launch.benchmarks.problem import load_problem, make_problem
from launch.benchmarks.random_problem import make_random_problem
from tfgeo.errors import UserError

NUM_PAIRS, NUM_LATENTS = 6, 30


def tiny_arrays():
    """A 2-8-12 decoder with three basis functions."""
    rng = np.random.default_rng(0)
    shapes = {
        "W1": [2, 8], "b1": [8], "W2": [8, 12], "b2": [12], "rbf_centers": [3, 2], "latents": [NUM_LATENTS, 2],
        "pairs200_start": [NUM_PAIRS, 2], "pairs200_end": [NUM_PAIRS, 2],
    }  # fmt: skip
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return arrays | {
        "rbf_gamma": np.full(3, 0.5, np.float32),
        "rbf_W": rng.uniform(5.0, 20.0, [3, 12]).astype(np.float32),
        "rbf_floor": np.float32(1.0),
        "hidden_activation": np.array("tanh"),
        "output_activation": np.array("sigmoid"),
        "source": np.array("made by the test"),
    }


@pytest.fixture(autouse=True)
def small_products(monkeypatch):
    """The machine's rate need not be right here."""
    monkeypatch.setattr(measuring, "SQUARE_SIZE", 64)
    monkeypatch.setattr(measuring, "DECODER_ROWS", 64)


@pytest.fixture
def problem_file(tmp_path):
    np.savez(tmp_path / "tiny.npz", **tiny_arrays())
    return tmp_path / "tiny.npz"


def launch(*arguments):
    return program.run(
        benchmark.main, benchmark.program_flags(), benchmark.__doc__, ["launch", *map(str, arguments)], False
    )


def run(suite, problem_file, folder, *arguments):
    code = launch(
        f"--suite={suite}", f"--problem={problem_file}", f"--output_dir={folder}", "--repeats=1", *arguments
    )
    assert code == 0
    content = json.loads((folder / "benchmark.json").read_text())
    assert content["complete"] and content["problem"]["data_dim"] == 12
    assert content["machine"]["cores"] >= 1 and "tensorflow" in content["machine"]["versions"]
    assert all(rate["gflops_median"] > 0.0 for rate in content["matrix_rate"].values())
    text, page = ((folder / f"benchmark.{suffix}").read_text() for suffix in ("txt", "md"))
    assert "made by the test" in text and "made by the test" in page
    for row in content["rows"]:
        assert row["name"] in text and row["name"] in page
    return content


def judge_in_numpy(arrays, curve, metric):
    """Energy and length of one curve `[N + 1, d]`, term by term."""
    weights = {name: arrays[name].astype(np.float64) for name in arrays if arrays[name].dtype.kind == "f"}
    hidden = np.tanh(curve @ weights["W1"] + weights["b1"])
    values = 1.0 / (1.0 + np.exp(-(hidden @ weights["W2"] + weights["b2"])))
    if metric == "expected":
        squared = np.sum((curve[:, None] - weights["rbf_centers"]) ** 2, axis=-1)
        precision = np.exp(-weights["rbf_gamma"] * squared) @ weights["rbf_W"] + weights["rbf_floor"]
        values = np.concatenate([values, 1.0 / np.sqrt(precision)], axis=-1)
    squares = np.sum(np.diff(values, axis=0) ** 2, axis=-1)
    return len(squares) * squares.sum(), np.sqrt(squares).sum()


def test_geodesics(problem_file, tmp_path, monkeypatch, capsys):
    broken = Method("exact/levenberg_marquardt/broken", "quadratic", "levenberg_marquardt", num_pieces=3)
    monkeypatch.setattr(geodesics, "METHODS", (*METHODS, broken))
    monkeypatch.setattr(geodesics, "choose_methods", lambda patterns: chosen)
    names = {
        "exact/levenberg_marquardt/cubic_spline",
        "exact/levenberg_marquardt/cubic_spline/from_interpolated",
        "interpolated/levenberg_marquardt/cubic_spline",
    }
    chosen = [broken, *(method for method in METHODS if method.name in names)]
    reference = tmp_path / "reference.npz"
    np.savez(reference, energy_mean=np.full(NUM_PAIRS, 1e-3))
    arguments = [f"--num_pairs={NUM_PAIRS}", "--metrics=mean", "--num_segments=50", f"--reference={reference}"]
    content = run("geodesics", problem_file, tmp_path / "out", *arguments)

    failed, *rows = content["rows"]
    assert "no pieces" in failed["error"] and "no pieces" in capsys.readouterr().out
    assert {row["name"] for row in rows} == {f"mean/{name}" for name in names}
    for row in rows:
        assert row["num_pairs"] == NUM_PAIRS and row["seconds"] > 0.0 and row["compile_seconds"] >= 0.0
        assert 0.0 <= row["share_converged"] <= 1.0 and row["energy_over_line"] <= 1.0 + 1e-6
        assert row["mean_length"] ** 2 <= row["mean_energy"] * (1 + 1e-9)
        assert row["energy_above_lowest"] == pytest.approx(row["mean_energy"] / 1e-3 - 1.0)
        assert row["share_of_decoder_rate"] > 0.0 and sum(row["reasons"].values()) == NUM_PAIRS
        assert row["reported_length_error_median"] < 0.02
    by_name = {row["name"]: row for row in rows}
    table = by_name["mean/interpolated/levenberg_marquardt/cubic_spline"]
    assert table["length_error_median"] < 0.02 and table["table_seconds"] > 0.0
    warm = by_name["mean/exact/levenberg_marquardt/cubic_spline/from_interpolated"]
    assert warm["total_seconds"] == pytest.approx(warm["seconds"] + warm["warm_start_seconds"])
    assert warm["mean_energy"] <= 1.001 * by_name["mean/exact/levenberg_marquardt/cubic_spline"]["mean_energy"]


def test_pairwise(problem_file, tmp_path):
    arguments = ["--metrics=expected", "--num_samples=5", "--scaling_pairs=8,7", "--scaling_points=5"]
    content = run("pairwise", problem_file, tmp_path / "out", *arguments)
    exact, from_learned_starts, table, preconditioned, *scaling = content["rows"]
    # Of so few pairs none tells another where to start.
    assert from_learned_starts["energy_over_line"] == exact["energy_over_line"]
    assert exact["num_pairs"] == table["num_pairs"] == preconditioned["num_pairs"] == 10
    # It ends at the decoder's own geodesics, and its seconds have those of all that it starts from.
    assert preconditioned["length_error_median"] < 1e-3
    assert preconditioned["total_seconds"] == pytest.approx(table["total_seconds"] + preconditioned["seconds"])
    assert table["length_error_median"] < 0.02
    assert table["total_seconds"] == pytest.approx(table["seconds"] + table["table_seconds"])
    assert [(row["num_pairs"], row["num_points"]) for row in scaling] == [(7, 5), (8, 5)]
    assert all(row["peak_megabytes"] > 0.0 for row in scaling)
    # One number of points says nothing of how the cost grows with it.
    assert not content["facts"]


def test_exponents_are_those_of_a_power_law():
    rows = [
        {"num_pairs": pairs, "num_points": points, "seconds": 3.0 * pairs**1.1 * points**0.9}
        for pairs in (10, 100)
        for points in (5, 10)
    ]
    found = pairwise._fit_exponents(rows)
    assert found == {"pairs": pytest.approx(1.1), "points": pytest.approx(0.9)}


def test_graph(problem_file, tmp_path):
    arguments = ["--num_nodes=70", "--num_neighbours=4", "--num_pairs=5", "--metrics=expected"]
    (row,) = run("graph", problem_file, tmp_path / "out", *arguments)["rows"]
    assert row["num_nodes"] == 70 and row["num_queries"] == 5 and row["agree"]
    assert 0.0 < row["astar_ms_median"] <= row["astar_ms_p99"] <= row["astar_ms_max"]


@pytest.mark.parametrize("metric", ["mean", "expected"])
def test_judge_agrees_with_numpy(metric, problem_file):
    judge = Judge(load_problem(problem_file, (metric,)), num_segments=10)
    curves = np.random.default_rng(1).normal(size=[5, 11, 2])
    found = judge(curves, metric)
    expected = [judge_in_numpy(tiny_arrays(), curve, metric) for curve in curves]
    np.testing.assert_allclose(np.stack(found, axis=-1), expected, rtol=1e-12)


@pytest.mark.parametrize("metric", ["mean", "expected"])
def test_manifold_measures_what_is_judged(metric, problem_file):
    tiny = load_problem(problem_file, (metric,))
    curves = np.random.default_rng(1).normal(size=[3, 8, 2]).astype(np.float32)
    energy, length = Judge(tiny, num_segments=7)(curves, metric)
    manifold = tiny.manifold(metric)
    # float32 against float64.
    np.testing.assert_allclose(manifold.energy(tf.constant(curves)), energy, rtol=1e-4)
    np.testing.assert_allclose(manifold.length(tf.constant(curves)), length, rtol=1e-4)


def test_activations_of_judge_and_manifolds_agree():
    values = np.linspace(-30.0, 30.0, 61)
    assert set(measuring.ACTIVATIONS) == set(problem.ACTIVATIONS)
    for name, function in problem.ACTIVATIONS.items():
        np.testing.assert_allclose(measuring.ACTIVATIONS[name](values), function(tf.constant(values)), atol=1e-12)


def test_needed_flops_counts_passes():
    decoder = make_problem(0, data_dim=12, hidden=8)
    iterations = np.array([3, 5])
    # (3 + 1 + 5 + 1) steps x 4 interior points x 3 passes, and 2 values at each of 6 points of 2 pairs.
    assert needed_flops(decoder, "mean", "levenberg_marquardt", 6, iterations, warm=False) == pytest.approx(
        (10 * 4 * 3 + 2 * 2 * 6) * 2 * (2 * 8 + 8 * 12)
    )
    assert np.isnan(needed_flops(decoder, "mean", "georce", 6, iterations, warm=False))


def test_first_call_counts_as_compiling():
    calls = []
    timing = timed(lambda: calls.append(None) or len(calls), repeats=3, max_seconds=60.0)
    assert timing.result == 4 and len(timing.runs) == 3
    assert len(timed(lambda: None, repeats=3, max_seconds=0.0).runs) == 1


def test_built_in_problem_is_the_same_each_time():
    first, second = make_problem(0), make_random_problem(None, 0)
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in first.arrays)
    assert first.sizes["data_dim"] == 784 and "untrained" in first.source
    curve = np.linspace(-1.0, 1.0, 5)[None, :, None] * [1.0, 0.5]
    assert all(np.isfinite(part).all() for part in Judge(first, 4)(curve, "expected"))


def test_training_suite(problem_file, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "STEPS_PER_REPEAT", 60)
    trained, fitting = [], training.fit
    monkeypatch.setattr(
        training, "fit", lambda model, *rest, **settings: trained.append(model) or fitting(model, *rest, **settings)
    )
    flags = ["--entries=chadebec2020/vae_mnist_012", "--importance_samples=3"]
    content = run("training", problem_file, tmp_path / "out", *flags)
    (row,) = content["rows"]
    assert row["name"] == "chadebec2020/vae_mnist_012" and row["latent_dim"] == 10
    assert row["importance_samples"] == 3 and trained[0].num_importance_samples == 3
    assert row["num_leapfrog_steps"] == 0 and row["num_steps"] == 80
    assert 0.0 < row["step_ms_min"] <= row["step_ms"] <= row["step_ms_max"]
    assert "vae_mnist_012" in (tmp_path / "out" / "benchmark.txt").read_text()


def test_scale_suite(problem_file, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    # In this process, whose imports are done, on one manifold, whose graphs are traced, and with few pairs. Workers
    # that are processes are those of `test_scheduler`.
    monkeypatch.setattr(distributed, "LocalCluster", functools.partial(distributed.LocalCluster, processes=False))
    monkeypatch.setattr(scale, "_in_a_process", lambda function: function())
    monkeypatch.setattr(problem.DecoderProblem, "manifold", functools.cache(problem.DecoderProblem.manifold))
    monkeypatch.setattr(scale_tasks, "NUM_PAIRS", 16)
    monkeypatch.setattr(scale_tasks, "WORKER_POINTS", 2)
    monkeypatch.setattr(scale_tasks, "MOST_WHOLE", 40)
    monkeypatch.setattr(scale, "APPROXIMATIONS", ("landmarks",))
    content = run("scale", problem_file, tmp_path / "out", "--metrics=mean", "--sizes=40,70", "--workers=1")
    rows = {row["name"].removeprefix("mean/"): row for row in content["rows"]}
    assert not any("error" in row for row in rows.values())
    assert rows["solver"]["pairs_per_second"] > 0.0 and rows["solver/workers=1"]["peak_bytes"] > 0
    for num_points in (40, 70):
        for method in ("landmarks",):
            row = rows[f"{method}/n={num_points}"]
            assert (row["is_whole"], row["rows_measured"]) == ((True, 40) if num_points == 40 else (False, 16))
            assert 0.0 < row["setup_seconds"] < row["seconds"] and row["error_num_pairs"] > 200
        assert rows[f"clusters/n={num_points}"]["cost_over_all_pairs"] >= 1.0 - 1e-6
        extrapolated = rows[f"solver/n={num_points}"]["seconds"] * rows["solver"]["pairs_per_second"]
        assert extrapolated == pytest.approx(num_points * (num_points - 1) / 2)


def test_a_process_of_its_own_gives_its_row_and_its_error():
    assert scale._in_a_process(functools.partial(dict, num_points=3)) == {"num_points": 3}
    with pytest.raises(ZeroDivisionError):
        scale._in_a_process(functools.partial(divmod, 1, 0))


def test_points_of_the_scale_are_the_problems_or_around_them():
    given = make_problem(0)
    few = scale_tasks.draw_points(given, 100, 0)
    assert len(np.unique(few, axis=0)) == 100 and np.isin(few, given.latents).all()
    many = scale_tasks.draw_points(given, 20_000, 0)
    assert many.dtype == np.float32
    # A kernel density is wider than its samples by its kernel.
    np.testing.assert_allclose(many.std(axis=0) / given.latents.std(axis=0), 1.03, atol=0.02)


def test_what_json_cannot_hold_is_null():
    assert record._plain({"a": [float("nan"), 1.0], "b": (float("inf"),)}) == {"a": [None, 1.0], "b": [None]}


BAD_FILES = {
    "missing key": (lambda arrays: arrays.pop("W2"), "`W2`"),
    "missing basis": (lambda arrays: arrays.pop("rbf_gamma"), "--metrics=mean"),
    "wrong axes": (lambda arrays: arrays.update(b1=np.zeros([8, 1])), "`b1`"),
    "wrong size": (lambda arrays: arrays.update(W2=np.zeros([9, 12])), "`W2`"),
    "words": (lambda arrays: arrays.update(latents=np.array([["a", "b"]])), "`latents`"),
    "not finite": (lambda arrays: arrays.update(b2=np.full(12, np.nan)), "`b2`"),
    "negative": (lambda arrays: arrays.update(rbf_W=-arrays["rbf_W"]), "`rbf_W`"),
    "half of the pairs": (lambda arrays: arrays.update(pairs1000_start=np.zeros([3, 2])), "`pairs1000_end`"),
    "activation": (lambda arrays: arrays.update(hidden_activation=np.array("tanhh")), "tanh"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_problem_names_the_key(case, tmp_path, capfd):
    change, words = BAD_FILES[case]
    arrays = tiny_arrays()
    change(arrays)
    np.savez(tmp_path / "bad.npz", **arrays)
    assert launch("--suite=graph", f"--problem={tmp_path / 'bad.npz'}", f"--output_dir={tmp_path / 'out'}") == 2
    (line,) = (line for line in capfd.readouterr().err.splitlines() if line.strip())
    assert line.startswith("error: ") and words in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--suite"),
        (["--suite=graphs"], "suite"),
        (["--suite=graph", "--problem=NONE"], "no file"),
        (["--suite=graph", "--metrics=median"], "metric"),
        (["--suite=geodesics", "--methods=exact/newton"], "method"),
        (["--suite=geodesics", "--num_pairs=99999"], "--num_pairs"),
        (["--suite=pairwise", "--scaling_points=ten"], "--scaling_points"),
        (["--suite=pairwise", "--scaling_pairs=0"], "scaling_pairs"),
        (["--suite=graph", "--repeats=0"], "repeats"),
        (["--suite=scale", "--sizes=10"], "sizes"),
        (["--suite=scale", "--workers=two"], "--workers"),
        (["--suite=training", "--entries=chadebec2020/vae_mnist"], "vae_mnist_012"),
        (
            ["--suite=training", "--entries=chadebec2020/hvae_mnist_012", "--importance_samples=5"],
            "leave --importance_samples out",
        ),
    ],
)
def test_bad_flags_give_one_line(arguments, words, tmp_path, capfd):
    assert launch(*arguments, f"--output_dir={tmp_path / 'out'}") == 2
    (line,) = (line for line in capfd.readouterr().err.splitlines() if line.strip())
    assert line.startswith("error: ") and words in line


def test_warm_starts_exist_and_names_say_the_manifold():
    names = [method.name for method in METHODS]
    assert len(set(names)) == len(names)
    for method in METHODS:
        assert method.name.split("/")[0] in ("exact", "interpolated", "preconditioned")
        assert method.warm_start is None or names.index(method.warm_start) < names.index(method.name)


def test_random_weights_of_any_latent_dimension():
    assert make_random_problem("random:d=10", 0).sizes["latent_dim"] == 10
    for wrong in ("random:d=0", "random:d=x", "random:dense", "random:d=2,d=3"):
        with pytest.raises(UserError, match=r"d of --problem|random:d=10"):
            make_random_problem(wrong, 0)


def test_a_convolutional_decoder_of_random_weights():
    decoder = make_random_problem("random:d=3,conv", 0)
    assert decoder.sizes["latent_dim"] == 3 and decoder.sizes["data_dim"] == 784
    z = decoder.latents[:5]
    images = decoder.mean(tf.constant(z)).numpy()
    assert images.shape == (5, 784) and 0.0 < images.min() < 0.2 < 0.8 < images.max() < 1.0
    np.testing.assert_allclose(decoder.mean(tf.constant(z, tf.float64)), images, atol=1e-5)
    # The judge decodes by the definition of a transposed convolution, in NumPy.
    judged = Judge(decoder, 1)._mean(z.astype(np.float64))
    np.testing.assert_allclose(decoder.mean(tf.constant(z, tf.float64)), judged, rtol=1e-10)
    assert decoder.flops_per_point("mean") == 2 * (3 * 1568 + 49 * 16 * 16 * 32 + 196 * 16 * 16)
    assert np.isfinite(decoder.manifold("expected").metric_tensor(tf.constant(z))).all()
