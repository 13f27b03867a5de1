"""Where original data files are kept, and how a missing one is fetched."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import sys

from tfgeo.errors import UserError, check_writable_folder

__all__ = ["DATA_DIR_VARIABLE", "DataFile", "data_folder", "find"]

DATA_DIR_VARIABLE = "TFGEO_DATA_DIR"
_DEFAULT_DATA_DIR = "~/.cache/tfgeo/data"


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One file as its data set distributes it.

    Args:
      folder: sub-folder of the data folder, one per data set.
      filename: its name there.
      url: where it can be fetched without asking anybody, or None.
      sha256: digest of the file at `url`, in hex; needed with `url`.
      num_bytes: size of the file at `url`.
      page: for people, where `url` is None: the page from which to get it.
    """

    folder: str
    filename: str
    url: str | None = None
    sha256: str | None = None
    num_bytes: int | None = None
    page: str | None = None

    def place(self, data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path:
        """Where the file belongs; it need not be there."""
        return data_folder(data_dir) / self.folder / self.filename

    def by_hand(self, path: pathlib.Path) -> str:
        """The clause that tells a person how to get the file to `path`."""
        return f"get {self.filename} from {self.url or self.page} and put it at {path}"


def data_folder(data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """The folder of all data sets: `data_dir`, else `TFGEO_DATA_DIR`, else `~/.cache/tfgeo/data`."""
    return pathlib.Path(data_dir or os.environ.get(DATA_DIR_VARIABLE) or _DEFAULT_DATA_DIR).expanduser()


def find(file: DataFile, data_dir: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """The path of a data file, which is fetched first where it is missing and can be.

    A file that is there is taken as it is: it may have been packed again, so its digest proves nothing, and
    the reader checks its format. A file that is fetched must have the known digest.

    Args:
      file: which one.
      data_dir: see `data_folder`; created where needed.

    Returns:
      The path of an existing file.

    Raises:
      UserError: if it is missing and cannot be fetched; says where it belongs and how to get it by hand, and
        leaves no folders.
    """
    path = file.place(data_dir)
    if path.is_file():
        return path
    if file.url is None:
        raise UserError(f"{path} is missing, and nothing can fetch it for you; {file.by_hand(path)}.")
    size = "" if file.num_bytes is None else f" ({_format_size(file.num_bytes)})"
    notice = f"tfgeo: fetching {file.url}{size} to {path}; by hand: put that file there."
    print(notice, file=sys.stderr, flush=True)
    absent = [folder for folder in path.parents if not folder.exists()]
    try:
        _fetch(file, path)
    except Exception as error:  # whatever went wrong, the remedy is the same
        for folder in absent:  # the innermost first
            with contextlib.suppress(OSError):  # not there, or another program's file is in it
                folder.rmdir()
        raise UserError(
            f"{path} is missing and fetching it failed ({error}); {file.by_hand(path)}, "
            f"or name the folder that holds {file.folder}/ as data_dir or {DATA_DIR_VARIABLE}."
        ) from error
    return path


def _fetch(file: DataFile, path: pathlib.Path) -> None:
    """Downloads under a temporary name beside `path`, checks the digest, then renames."""
    # Keras falls back to a folder in /tmp, silently, where it cannot write: check that first.
    check_writable_folder(path.parent)

    import keras  # slow to import, and needed for missing files only

    # The process number keeps two programs that fetch the same file apart.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        keras.utils.get_file(
            part.name,
            origin=file.url,
            file_hash=file.sha256,
            hash_algorithm="sha256",
            cache_dir=str(path.parent.parent),
            cache_subdir=path.parent.name,
        )
        digest = hashlib.sha256(part.read_bytes()).hexdigest()
        if digest != file.sha256:
            raise UserError(f"its sha256 is {digest}, not {file.sha256}")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _format_size(num_bytes: int) -> str:
    """A file size for people, in decimal units."""
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 1e6 else f"{num_bytes / 1e3:.0f} kB"
