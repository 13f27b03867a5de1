"""The explorer served by Bokeh to this machine alone."""

from __future__ import annotations

import errno
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from tfgeo.errors import UserError
from tfgeo.explorer.answers import Answers
from tfgeo.explorer.pictures import Pictures
from tfgeo.explorer.scene import Scene

__all__ = ["make_server", "serve"]

ADDRESS = "127.0.0.1"


def serve(scene: Scene, port: int, say: Callable[[str], object]) -> None:
    """Serves the explorer of a scene until it is interrupted.

    Args:
      scene: what is shown.
      port: of this machine; no other machine reaches it.
      say: is told the address, a line each.

    Raises:
      UserError: if Bokeh is not installed or the port is in use.
    """
    server = make_server(scene, port, say)
    say(f"open http://localhost:{port}/ in a browser on this machine; Ctrl-C ends it")
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()


def make_server(scene: Scene, port: int, say: Callable[[str], object] = lambda line: None) -> Any:
    """The server, begun but for its loop: `server.io_loop.start()` runs it."""
    if importlib.util.find_spec("bokeh") is None:
        raise UserError(
            'the served explorer needs Bokeh; `pip install "tfgeo[explore]"`, or give --static=FILE.html for a '
            "page that needs nothing"
        )
    from bokeh.server.server import Server

    from tfgeo.explorer.session import Session

    # Bokeh tells every session that begins and ends.
    logging.getLogger("bokeh").setLevel(logging.WARNING)
    pictures = Pictures(scene)
    answers = {metric.key: Answers(scene, metric) for metric in scene.metrics}
    # Bound first: who finds the port in use should not wait for the table.
    origins = [f"localhost:{port}", f"{ADDRESS}:{port}"]
    try:
        server = Server(
            {"/": lambda document: Session(scene, answers, pictures, document).show()},
            address=ADDRESS,
            port=port,
            allow_websocket_origin=origins,
        )
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise UserError(
            f"port {port} cannot be used on this machine ({error.strerror}); give another one"
        ) from error
    first = answers[scene.metrics[0].key]
    if not first.is_straight:
        say(f"measuring the metric: {first.metric.name}")
        low, high = scene.latents[0], scene.latents[-1]
        first.between(low, high, "table", is_final=False)  # what is compiled here the first drag need not wait for
    return server
