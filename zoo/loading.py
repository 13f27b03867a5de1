"""Files of trained weights: written, and loaded into a model once they are known to hold numbers alone."""

from __future__ import annotations

import pathlib
from typing import cast

import h5py
import numpy as np

from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError
from tfgeo.models import RHVAE, VAE
from zoo import cards
from zoo.config import EntryConfig
from zoo.quantization import is_stored_as, unquantized

__all__ = ["check_content", "check_stored", "load_weights", "same_weights", "save_weights"]

# Characters of another library's error that are quoted.
MAX_CAUSE = 300
# Numbers of sections that weights hold too, and that models go by once weights are loaded.
_STORED = {"flow": ("step_size", "sqrt_beta_zero"), "metric": ("temperature", "regularization")}
# What a file of weights takes beside the numbers, at most.
FILE_BYTES = 200_000


def save_weights(model: VAE, path: pathlib.Path) -> pathlib.Path:
    """Writes the model's weights, whole or not at all, without the optimizer's state, which is twice as large."""
    optimizer = getattr(model, "optimizer", None)  # a model that was loaded has none
    model.optimizer = None
    num_bytes = sum(np.asarray(weight).nbytes for weight in model.weights)
    try:
        # HDF5 cannot close a file that it has no room for without complaint: room is looked for first.
        with whole_file(path, 2 * num_bytes + FILE_BYTES) as partial:
            model.save_weights(partial)
    finally:
        model.optimizer = optimizer
    return path


def same_weights(path: pathlib.Path, stored: pathlib.Path) -> bool:
    """Whether the weights of a file, in the bits of those that are stored, are these."""
    with h5py.File(path, "r") as one, h5py.File(stored, "r") as other:
        names: list[list[str]] = [[], []]
        for file, found in zip((one, other), names, strict=True):
            file.visititems(lambda name, part, found=found: found.append(name) if hasattr(part, "dtype") else None)
        if names[0] != names[1]:
            return False
        return all(is_stored_as(one[name][()], other[name]) for name in names[0])


def load_weights(model: VAE, path: pathlib.Path, sha256: str | None = None) -> None:
    """Loads weights of a trained model, after checking their sha256 where one is given; a fitted variance is used.

    Raises:
      UserError: if the file is missing, altered, reaches outside itself, would take more memory than it has bytes,
        or does not fit the model, which may then hold what did fit.
    """
    if sha256 is not None:
        cards.check_sha256(path, sha256)
    if not path.is_file():
        raise UserError(f"weights file {path} does not exist; `python -m launch.train` writes one")
    if not path.name.endswith(".weights.h5"):
        raise UserError(f"weights file {path} must end in .weights.h5, as `python -m launch.train` writes it")
    try:
        check_content(path)
        with unquantized(path) as whole:
            model.load_weights(whole)
    except UserError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        # Keras says first that something failed, then what, and goes on with all numbers.
        lines = [line for line in str(error).splitlines() if line.strip()]
        cause = " ".join(lines[1:2] or lines)
        raise UserError(
            f"weights file {path} does not fit this entry's model ({cause[:MAX_CAUSE]}); "
            "give the same --config values that it was trained with"
        ) from error
    if getattr(model.decoder, "precision", None) is not None:
        model.decoder.uses_precision = True


def check_stored(config: EntryConfig, model: VAE, weights: str | pathlib.Path) -> None:
    """Refuses a configuration that says other numbers than the weights hold, unless they are learned.

    Or one that takes learned factors, where they hold none.

    Args:
      config: of the entry.
      model: its model, into which the weights are loaded.
      weights: the file that they come from.

    Raises:
      UserError: names the field and the value that fits.
    """
    metric = config.metric
    if metric is not None and metric.factors == "learned" and cast(RHVAE, model).holds_untrained_factors:
        raise UserError(
            f"config.metric.factors is 'learned', but weights file {weights} was trained without: all factors in "
            "it are the identity; set --config.metric.factors=identity, or density"
        )
    for title, names in _STORED.items():
        section = getattr(config, title)
        for name in names:
            if section is None or getattr(section, f"learn_{name.removeprefix('sqrt_')}"):
                continue
            stored, said = np.asarray(getattr(model, name)), getattr(section, name)
            if isinstance(said, str):  # an adaptive temperature, which no weights hold
                continue
            if not np.allclose(stored, said, rtol=1e-4):
                raise UserError(
                    f"config.{title}.{name} is {said:g}, but weights file {weights} was trained with {stored:.6g}; "
                    f"set --config.{title}.{name}={stored:.6g}"
                )


def check_content(path: pathlib.Path) -> None:
    """Refuses links to other files, and arrays that unpack to more than the file: weights are written as is."""
    with h5py.File(path, "r") as file:
        num_bytes, groups, seen = 0, [file], set()
        while groups:
            group = groups.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen:
                raise UserError(f"weights file {path} holds a group twice, as no weights do; do not trust it")
            seen.add(address)
            for name in group:
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    raise UserError(
                        f"weights file {path} links {name!r} elsewhere, as no weights do; do not trust it"
                    )
                part = group[name]
                if isinstance(part, h5py.Group):
                    groups.append(part)
                    continue
                if part.external or part.is_virtual:
                    raise UserError(
                        f"weights file {path} reads {name!r} from elsewhere, as no weights do; do not trust it"
                    )
                num_bytes += part.nbytes
        if num_bytes > path.stat().st_size:
            raise UserError(
                f"weights file {path} unpacks to {num_bytes} bytes, more than the {path.stat().st_size} it has, "
                "as no weights do; do not trust it"
            )
