"""Writes an entry as a SavedModel that needs TensorFlow alone.

python -m launch.export --entry=yang2018/mnist_012 --output_dir=out

Signatures: encode, decode, metric, geodesic (start, end -> points, length, energy, converged) and distance, for
any batch size. The SavedModel is OUTPUT_DIR/saved_model. It holds no samples: where an entry's geodesics start on a
graph of samples or are found on a table of the metric, here they start straight and are found on the metric itself.
Entries that say nothing of geodesics, such as chadebec2020/rhvae_mnist_012, have the first three signatures.
"""

from __future__ import annotations

import pathlib
import sys

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    import zoo
    from tfgeo.errors import UserError, check_writable_folder
    from tfgeo.export import export
    from tfgeo.models import RHVAE

    if values.entry is None:
        raise UserError("--entry is missing; give for example --entry=yang2018/mnist_012")
    folder = check_writable_folder(values.output_dir) / "saved_model"
    entry = zoo.load(values.entry, values.weights)
    print(f"exporting {values.entry} ({values.weights} weights)", flush=True)
    if isinstance(entry.model, RHVAE):
        print(f"metric: {entry.model.manifold().describe().verdict}", flush=True)
    if entry.config.geodesics is None:
        name = "encode"
        export(entry.model, entry.manifold(), None, None, None, 0, folder)
    else:
        name = "geodesic"
        settings = (entry.curve(), entry.solver(), entry.warm_start(), entry.geodesics.num_points)
        export(entry.model, entry.manifold(), *settings, folder)
    size = sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB; load it with tf.saved_model.load and call .signatures['{name}']")


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.base_flags()
    program.define_entry(values)
    program.define_weights(values, "pretrained")
    program.define_output(values)
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__, configurable=False))
