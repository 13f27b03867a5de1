"""The explorer that Bokeh serves: to this machine alone, in a real browser."""

import contextlib
import http.client
import os
import pathlib
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from launch import explore, program
from tests.explorer.scenes import CODES

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Most milliseconds from a move of the pointer to the curve that answers it, in the median; on a machine that has
# nothing else to do a small decoder takes a third of it.
MOST_MILLISECONDS = 600.0
SERVE = """
import sys
from tests.explorer.scenes import sphere_scene
from tfgeo.explorer.served import serve
serve(sphere_scene(), int(sys.argv[1]), lambda line: print(line, flush=True))
"""
READY = """() => window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].roots().length
    && Bokeh.documents[0].get_model_by_name('curve').data.x.length"""
# Where a latent point is on the screen.
PLACE = """([x, y]) => {
    const search = (view) => view.model.name === 'map' ? view
        : (view.child_views ?? []).map(search).find((found) => found)
    const view = [...Object.values(Bokeh.index.roots ?? Bokeh.index)].map(search).find((found) => found)
    const box = view.canvas_view.el.getBoundingClientRect()
    return [box.left + view.frame.x_scale.compute(x),
            box.top + view.frame.y_scale.compute(y)]
}"""
ENDS = "() => { const { x, y } = Bokeh.documents[0].get_model_by_name('ends').data; return [[...x], [...y]]; }"
CURVE = "() => { const { x, y } = Bokeh.documents[0].get_model_by_name('curve').data; return [[...x], [...y]]; }"
FOLLOWED = """() => {
    const [ends, curve] = ['ends', 'curve'].map((name) => Bokeh.documents[0].get_model_by_name(name).data)
    return Math.hypot(ends.x[0] - curve.x[0], ends.y[0] - curve.y[0]) < 1e-3
}"""
# Gathers milliseconds from a move to the frame in which the curve has changed.
WATCH = """() => {
    const { data } = Bokeh.documents[0].get_model_by_name('curve'), state = () => {
        const { x, y } = Bokeh.documents[0].get_model_by_name('curve').data
        return `${x[0]} ${y[0]} ${x[50]} ${y[50]}`
    }
    window.waits = []
    let since = null, last = state()
    const moved = (event) => { if (since === null && event.buttons) since = event.timeStamp }
    window.addEventListener('pointermove', moved, true)
    const look = () => {
        if (state() !== last) {
            last = state()
            if (since !== null) window.waits.push(performance.now() - since)
            since = null
        }
        requestAnimationFrame(look)
    }
    look()
}"""


def free_port():
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


@pytest.fixture(scope="module")
def port():
    pytest.importorskip("bokeh", reason="Bokeh is not installed: the extra `explore` has it")
    port = free_port()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    watchdog = threading.Timer(240.0, server.kill)
    watchdog.start()
    lines = []
    for line in server.stdout:
        lines.append(line)
        if "open http" in line:
            break
    else:
        pytest.fail("".join(lines))
    # What it prints later must not fill the pipe.
    threading.Thread(target=server.stdout.read, daemon=True).start()
    yield port
    watchdog.cancel()
    server.terminate()
    server.wait()


@pytest.fixture(scope="module")
def page(page, port):
    page.goto(f"http://localhost:{port}/", timeout=90_000)
    page.wait_for_function(READY, timeout=90_000)
    return page


def test_a_drag_moves_the_geodesic(page):
    before = np.array(page.evaluate(ENDS))
    page.evaluate(WATCH)
    x, y = page.evaluate(PLACE, before[:, 0].tolist())
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 16):
        page.mouse.move(x + 4 * step, y + 2 * step)
        page.wait_for_timeout(150)
    page.mouse.up()
    # The last of the moves is answered too, and then the decoder itself has the last word.
    page.wait_for_function(FOLLOWED, timeout=60_000)
    after = np.array(page.evaluate(ENDS))
    assert (after[:, 0] != before[:, 0]).all() and (after[:, 1] == before[:, 1]).all()
    curve = np.array(page.evaluate(CURVE))
    np.testing.assert_allclose(curve[:, 0], after[:, 0], atol=1e-3)
    np.testing.assert_allclose(curve[:, -1], after[:, 1], atol=1e-3)
    waits = page.evaluate("() => window.waits")
    assert len(waits) >= 3 and np.median(waits) < MOST_MILLISECONDS


def test_a_click_draws_lines_of_equal_distance_and_nothing_fails(page, port):
    ends = np.array(page.evaluate(ENDS)).T
    gaps = np.linalg.norm(CODES[:, None] - ends, axis=-1).min(axis=1)
    page.mouse.click(*page.evaluate(PLACE, CODES[np.argmax(gaps)].tolist()))
    drawn = "() => Bokeh.documents[0].get_model_by_name('star').data.x.length === 1"
    page.wait_for_function(drawn, timeout=30_000)
    assert page.problems == []
    assert [
        address for address in page.requests if not address.startswith((f"http://localhost:{port}/", "data:"))
    ] == []


def handshake(port, origin):
    """The status with which the socket of a page of another origin is answered."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        headers = {
            "Origin": origin, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        connection.request("GET", "/ws", headers=headers)
        return connection.getresponse().status


def test_pages_of_other_origins_are_refused(port):
    assert handshake(port, "http://elsewhere.example") == 403
    assert handshake(port, f"http://localhost:{port}") != 403


def test_other_machines_are_not_served(port):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError), contextlib.closing(socket.create_connection((address, port), timeout=2)):
            pass


def test_a_port_in_use_is_one_line(port, capsys):
    arguments = ["explore", "--entry=yang2018/two_moons", f"--port={port}"]
    assert program.run(explore.main, explore.program_flags(), explore.__doc__, arguments, False) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and f"port {port}" in said
