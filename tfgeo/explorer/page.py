"""The explorer as one HTML file, in which geodesics are found without Python."""

from __future__ import annotations

import base64
import html
import json
import pathlib
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np

from tfgeo.checkpoints import whole_file
from tfgeo.errors import check_count
from tfgeo.explorer.scene import FIELD_LABEL, Scene, SceneMetric
from tfgeo.manifolds import Interpolated
from tfgeo.plots.style import FIELD_MAP

__all__ = ["write_page"]

WEB = pathlib.Path(__file__).parent / "web"
# In the order in which they need one another.
SCRIPTS = ("data", "table", "geodesic", "grid", "decoder", "contours", "drawing", "strips", "main")

# Median error of lengths from which on a page says that its table is coarse.
COARSE = 0.05
# Numbers in a table of decoded values, at most, and nodes along each axis.
TABLE_VALUES = 700_000
TABLE_NODES = (6, 40)


def write_page(
    scene: Scene,
    path: str | pathlib.Path,
    resolution: int = 128,
    say: Callable[[str], object] = lambda line: None,
) -> pathlib.Path:
    """Writes the explorer of a scene as one HTML file that asks nothing of any server.

    The file holds a table of each metric, and the decoder's layers or, where it has others than dense ones, a table
    of decoded values; the geodesics are found in the page.

    Args:
      scene: what is shown.
      path: the file.
      resolution: nodes of a metric's table along each axis.
      say: is told what is done, a line each.

    Returns:
      The path.
    """
    check_count("resolution", resolution, 8)
    path = pathlib.Path(path).expanduser()
    text = _render(scene.title, _gather(scene, resolution, say))
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def _render(title: str, data: dict[str, Any]) -> str:
    """The page's HTML with style, scripts and data in it."""
    scripts = "\n".join((WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    # What users call their classes must not end the element that holds it.
    packed = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "title": html.escape(title),
        "style": (WEB / "page.css").read_text(encoding="utf-8"),
        "script": scripts,
        "data": packed,
    }
    text = (WEB / "page.html").read_text(encoding="utf-8")
    # Split first: what is put in may look like a place itself.
    pieces = text.replace("}}", "{{").split("{{")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def _gather(scene: Scene, resolution: int, say: Callable[[str], object]) -> dict[str, Any]:
    shown = scene.shown
    numbers, names = scene.classes
    low, high = scene.value_range
    codes: dict[str, Any] = {
        "count": len(shown),
        "points": _pack(scene.latents[shown], "float32"),
        "labels": _pack(numbers[shown], "int32"),
        "classes": names,
    }
    if scene.samples is not None:
        values = np.asarray(scene.samples)[shown]
        codes["samples"] = {"width": values.shape[1], "values": _pack_bytes(values, low, high)}
    field_map = (255.0 * matplotlib.colormaps[FIELD_MAP](np.arange(256))[:, :3]).round().astype(np.uint8)
    return {
        "title": scene.title,
        "summary": scene.summary,
        "axes": list(scene.axes),
        "bounds": scene.bounds.tolist(),
        "metrics": [_pack_metric(metric, scene, resolution, say) for metric in scene.metrics],
        "codes": codes,
        "decoder": {
            **_pack_decoder(scene, low, high),
            "shape": None if scene.image_shape is None else list(scene.image_shape),
            "range": [low, high],
            "inverted": scene.on_white,
        },
        "colours": {
            "field": base64.b64encode(field_map.tobytes()).decode(),
            "classes": scene.colors,
        },
    }


def _pack_metric(
    metric: SceneMetric, scene: Scene, resolution: int, say: Callable[[str], object]
) -> dict[str, Any]:
    described = {"key": metric.key, "name": metric.name, "unit": metric.unit, "text": metric.text}
    described |= {"code": metric.code, "field": FIELD_LABEL.format(unit=metric.unit.removesuffix("s"))}
    if metric.manifold is None:
        return described | {"how": "A straight line is the shortest there is."}
    say(f"table: {metric.name}, {resolution} x {resolution} nodes")
    table = Interpolated(metric.manifold, scene.bounds, resolution)
    how = (
        f"Geodesics are found in this page, on a table of the metric with {resolution} × {resolution} nodes and "
        f"cubic splines between them. Lengths of small steps differ from the decoder's by "
        f"{100.0 * table.median_norm_error:.2g} % in the median, {100.0 * table.max_norm_error:.2g} % at most, in "
        "the worst direction at the centres of cells, where they differ most. A curve has 128 segments; it starts "
        "from the straight line and from the shortest path on a grid; the shorter of what both lead to is shown."
    )
    if table.median_norm_error > COARSE:
        how += " This metric changes faster than the table can follow: take lengths for a rough guide."
    values = _pack(table.coefficients, "float32")
    return described | {"how": how, "table": {"resolution": resolution, "values": values}}


def _pack_decoder(scene: Scene, low: float, high: float) -> dict[str, Any]:
    if scene.layers is not None:
        layers = [
            {
                "inputs": layer.kernel.shape[0],
                "outputs": layer.kernel.shape[1],
                "kernel": _pack(layer.kernel, "float16"),
                "bias": _pack(layer.bias, "float32"),
                "activation": layer.activation,
                "residual": layer.residual,
            }
            for layer in scene.layers
        ]
        return {"layers": layers}
    width = np.asarray(scene.decode(scene.latents[:1])).shape[1]
    fewest, most = TABLE_NODES
    nodes = int(np.clip(np.sqrt(TABLE_VALUES / width), fewest, most))
    first, second = (np.linspace(low, high, nodes) for low, high in scene.bounds)
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2).astype(np.float32)
    values = np.asarray(scene.decode(grid))
    return {"table": {"resolution": nodes, "width": width, "values": _pack_bytes(values, low, high)}}


def _pack(values: np.ndarray, kind: str) -> dict[str, Any]:
    """Numbers as base64, little-endian as browsers have them."""
    data = np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<"))
    return {"type": kind, "data": base64.b64encode(data.tobytes()).decode()}


def _pack_bytes(values: np.ndarray, low: float, high: float) -> dict[str, Any]:
    """Numbers rounded to 256 steps of a scale, as base64."""
    scale = (high - low) / 255.0
    steps = np.clip(np.round((np.asarray(values, np.float64) - low) / scale), 0, 255).astype(np.uint8)
    data = base64.b64encode(np.ascontiguousarray(steps).tobytes()).decode()
    return {"type": "uint8", "data": data, "scale": scale, "offset": low}
