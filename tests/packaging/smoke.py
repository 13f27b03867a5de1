"""Tries an installed tfgeo, in its own environment and outside of the repository: `python smoke.py`.

Geodesics of an own decoder, trained weights of the zoo, figures, one page of the explorer, and the command.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import time

import matplotlib

matplotlib.use("Agg")


def main() -> None:
    """Raises where something does not work; prints versions and seconds where all does."""
    begin = time.perf_counter()
    import tfgeo

    tfgeo.quiet()
    import keras
    import numpy as np
    import tensorflow as tf

    import zoo

    here = pathlib.Path(tfgeo.__file__)
    assert sys.prefix in str(here), f"{here} is not the installed package"
    decoder = keras.Sequential([keras.Input([2]), keras.layers.Dense(20, "tanh"), keras.layers.Dense(30)])
    z = np.random.default_rng(0).normal(size=[6, 2]).astype("float32")
    manifold = tfgeo.manifolds.Pullback(decoder)
    found = tfgeo.geodesics.connect(manifold, z[:3], z[3:])
    assert found.converged.all()
    first = time.perf_counter() - begin
    entry = zoo.load("yang2018/two_moons")
    assert str(zoo.card("yang2018/two_moons")).startswith("# yang2018/two_moons")
    assert "@article" in zoo.cite("yang2018/two_moons")
    latents = entry.model.encode(entry.dataset().inputs).mean().numpy()
    assert np.isfinite(latents).all()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        axes = found.plot()
        manifold.plot_volume(axes, resolution=10)
        axes.figure.savefig(out / "plane.png")
        program = str(pathlib.Path(sys.executable).with_name("tfgeo"))
        page = out / "explore.html"
        for arguments in (["--help"], ["catalogue"], ["explore", "--entry=yang2018/two_moons", f"--static={page}"]):
            result = subprocess.run([program, *arguments], cwd=out, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stderr[-2000:]
        assert page.stat().st_size > 1e5
    versions = f"Python {sys.version.split()[0]}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    print(
        f"tfgeo {tfgeo.__version__} works: {versions}, NumPy {np.__version__}; first geodesic after {first:.0f} s"
    )


if __name__ == "__main__":
    main()
