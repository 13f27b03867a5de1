"""The explorer as one file, in a real browser: nothing is asked of any server, and its geodesics are right."""

import re

import numpy as np
import pytest

import zoo
from tests.cases import great_circle
from tests.explorer.scenes import CODES, sphere_scene
from tfgeo.explorer import Scene, SceneMetric, dense_layers, write_page
from tfgeo.geodesics import connect

PAIRS = 100
READY = "() => window.explorer && window.explorer.state.curve"
SOLVE = """([starts, ends, key]) => starts.map((start, i) => {
    const { curve, line } = window.explorer.solve(start, ends[i], key);
    return [curve.length, line.length, curve.converged ? 1 : 0, ...curve.points];
})"""


@pytest.fixture(scope="module")
def sphere_file(tmp_path_factory):
    return write_page(sphere_scene(), tmp_path_factory.mktemp("page") / "sphere.html", resolution=48)


@pytest.fixture(scope="module")
def page(page, sphere_file):
    page.goto(sphere_file.as_uri())
    page.wait_for_function(READY)
    return page


def solve(page, starts, ends, key):
    found = np.array(page.evaluate(SOLVE, [starts.tolist(), ends.tolist(), key]))
    assert found[:, 2].all()  # converged
    return found[:, 0], found[:, 1], found[:, 3:].reshape(len(found), -1, 2)


def pixel(page, point):
    """Where a latent point is on the screen."""
    box = page.locator("#map").bounding_box()
    x, y = page.evaluate("(point) => window.explorer.map.toPixel(point)", [float(value) for value in point])
    return box["x"] + x, box["y"] + y


def test_a_file_holds_everything_and_names_cannot_leave_their_place(sphere_file):
    text = sphere_file.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href|url\(|fetch\(|import)\s*=?\s*["']?(?:https?:)?//""", text)
    assert text.count("</script>") == 2 and "</script><b>two" not in text
    assert sphere_file.stat().st_size < 600_000


def test_geodesics_are_great_circles(page):
    starts, ends = CODES[:30], CODES[30:]
    lengths, straight, points = solve(page, starts, ends, "pullback")
    np.testing.assert_allclose(lengths, great_circle(starts, ends), rtol=2e-3)
    assert (lengths <= straight * (1.0 + 1e-9)).all()
    np.testing.assert_allclose(points[:, [0, -1]], np.stack([starts, ends], axis=1), atol=1e-6)
    # At equal steps: the speed is constant.
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    assert steps.min() > 0.0


def test_straight_lines_have_their_euclidean_length(page):
    lengths, straight, _ = solve(page, CODES[:5], CODES[5:10], "straight")
    np.testing.assert_allclose(lengths, np.linalg.norm(CODES[:5] - CODES[5:10], axis=-1), rtol=1e-5)
    np.testing.assert_allclose(lengths, straight, rtol=1e-5)


def test_equal_ends_have_length_0(page):
    lengths, _, _ = solve(page, CODES[:1], CODES[:1], "pullback")
    assert lengths == [0.0]


def test_a_drag_moves_an_end_and_all_that_follows_from_it(page):
    before = page.evaluate("() => window.explorer.state.ends.map((end) => [...end])")
    length = page.locator("#length-geodesic").inner_text()
    page.mouse.move(*pixel(page, before[0]))
    page.mouse.down()
    page.evaluate("() => { window.explorer.latencies.length = 0; }")
    for point in np.linspace(before[0], [1.5, 0.0], 30):
        page.mouse.move(*pixel(page, point))
        page.wait_for_timeout(20)
    page.mouse.up()
    after = page.evaluate("() => window.explorer.state.ends.map((end) => [...end])")
    np.testing.assert_allclose(after[0], [1.5, 0.0], atol=0.02)
    assert after[1] == before[1]
    shown = page.locator("#length-geodesic").inner_text()
    assert shown != length and shown.endswith("data units")
    assert float(shown.split()[0]) == pytest.approx(great_circle([after[0]], [after[1]])[0], rel=3e-3)
    assert np.median(page.evaluate("() => window.explorer.latencies")) < 100.0
    assert f"{after[0][0]:.4f}" in page.evaluate("() => document.getElementById('code').textContent")


def test_a_click_draws_lines_of_equal_distance(page):
    page.mouse.click(*pixel(page, [0.9, -1.0]))
    contours = page.evaluate("() => window.explorer.state.contours")
    lines = [(line["level"], np.array(line["line"])) for line in contours["lines"]]
    assert len({level for level, _ in lines}) >= 8
    for level, line in lines:
        # Paths on the grid are longer than geodesics by up to 1.3 %; near the source cells are coarse.
        distances = great_circle(np.broadcast_to(contours["source"], line.shape), line)
        np.testing.assert_allclose(np.median(distances), level, rtol=0.03, atol=0.02)
    page.keyboard.press("Escape")
    assert page.evaluate("() => window.explorer.state.contours") is None


def test_keys_move_an_end(page):
    page.locator("#map").focus()
    page.keyboard.press("b")
    before = page.evaluate("() => [...window.explorer.state.ends[1]]")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    after = page.evaluate("() => [...window.explorer.state.ends[1]]")
    assert after[0] < before[0] and after[1] > before[1]


def test_a_code_under_the_pointer_says_what_it_is(page):
    row = 7
    page.evaluate("() => window.explorer.setSource(null)")
    page.mouse.move(*pixel(page, CODES[row]))
    assert page.locator("#tip").is_visible()
    assert f"sample {row}" in page.locator("#tip-text").inner_text()
    assert ["one", "</script><b>two", "three & more"][row % 3] in page.locator("#tip-text").inner_text()


def test_another_metric_and_another_pair(page):
    page.locator("#metrics input[value=straight]").check(force=True)
    page.wait_for_function("() => document.getElementById('length-geodesic').textContent.includes('latent')")
    page.locator("#metrics input[value=pullback]").check(force=True)
    before = page.evaluate("() => window.explorer.state.ends")
    page.locator("#another").click()
    assert page.evaluate("() => window.explorer.state.ends") != before
    page.wait_for_function("() => document.getElementById('length-geodesic').textContent.includes('data')")


def test_nothing_was_asked_of_a_server_and_no_script_failed(page):
    assert page.problems == []
    assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []


def check_shipped(browser, name, key, tmp_path, num_codes, resolution, curve):
    """Lengths on the page of a shipped decoder against `connect` on the decoder, for 100 pairs of codes."""
    entry = zoo.load(name)
    random = np.random.default_rng(1)
    # Codes of the prior's middle: what the data would be encoded to is not needed for this.
    codes = random.normal(size=[num_codes, 2]).astype(np.float32)
    codes = 0.6 * codes + np.array([0.3, 0.3], np.float32)
    manifold = entry.manifold(key)

    def decode(z):
        return np.asarray(entry.model.decoder(z)[0])

    layers = dense_layers(entry.model.decoder, codes, decode(codes))
    assert layers is not None
    scene = Scene(name, codes, decode, [SceneMetric(key, key, manifold, "data units", "")], layers=layers)
    path = write_page(scene, tmp_path / "page.html", resolution)
    starts, ends = codes[random.permutation(num_codes)[:PAIRS]], codes[random.permutation(num_codes)[:PAIRS]]
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_function(READY)
    lengths, _, points = solve(page, starts, ends, key)
    decoded = page.evaluate("(z) => window.explorer.decode(z).map((row) => [...row])", codes[:5].tolist())
    page.close()
    np.testing.assert_allclose(decoded, decode(codes[:5]), atol=1e-2)
    # From the page's own curves, so that both are about the same of several routes; on enough points that lengths
    # of decoded chords are those of curves.
    found = connect(manifold, starts, ends, curve=curve, num_points=129, warm_start=points[:, ::2], warn=False)
    gaps = np.linalg.norm(starts - ends, axis=-1)
    apart = gaps > 1e-3
    np.testing.assert_allclose(lengths[apart], found.length[apart], rtol=0.02)
    return path


def test_lengths_of_a_shipped_decoder_are_those_of_connect(browser, tmp_path):
    check_shipped(browser, "yang2018/two_moons", "pullback", tmp_path, 120, 64, "cubic_spline")


@pytest.mark.slow
def test_lengths_of_an_image_decoder_are_those_of_connect(browser, tmp_path):
    """As above, at 784 outputs, along polylines."""
    path = check_shipped(browser, "yang2018/mnist_012", "pullback", tmp_path, 150, 128, "polyline")
    assert path.stat().st_size < 3e6
