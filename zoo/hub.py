"""Entries on the Hugging Face Hub: `hf://ORG/NAME`, or `hf://ORG/NAME@REVISION`, is fetched once and kept."""

from __future__ import annotations

import os
import pathlib
import re
import warnings

from tfgeo.errors import UserError
from zoo.folders import CARD_FILE, WEIGHTS_FILE

__all__ = ["PREFIX", "download"]

PREFIX = "hf://"
# Letters, digits and "-._", as the hub has them: a name can be no path to elsewhere.
_NAME = re.compile(r"(?P<repository>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>[\w][\w./-]*))?")


def download(name: str) -> pathlib.Path:
    """The folder with card and weights of a name that begins with `PREFIX`, from the hub or from its local cache.

    Where the hub cannot be reached what was fetched before is taken, with a warning.

    Raises:
      UserError: if `huggingface_hub` is not installed, the name is none or names nothing, or there is neither a
        connection nor a local copy.
    """
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise UserError(f"{name} needs huggingface_hub; pip install 'tfgeo[hub]'") from error
    match = _NAME.fullmatch(name.removeprefix(PREFIX))
    if match is None:
        raise UserError(f"{name!r} is no name of the hub; give hf://ORG/NAME, or hf://ORG/NAME@REVISION")
    repository, revision = match["repository"], match["revision"]
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        url = huggingface_hub.hf_hub_url(repository, CARD_FILE, revision=revision, endpoint=endpoint)
        huggingface_hub.get_hf_file_metadata(url, endpoint=endpoint)
        is_reached, cause = True, ""
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise UserError(
            f"the hub has no {repository}{f' with revision {revision}' if revision else ''}, or not for you; check "
            "the name, or log in with `hf auth login`"
        ) from error
    except errors.EntryNotFoundError as error:
        raise _no_entry(name) from error
    except Exception as error:  # no connection: each version of the library has another error for it
        is_reached, cause = False, str(error) or type(error).__name__

    def fetch(file: str, revision: str | None) -> pathlib.Path:
        try:
            return pathlib.Path(
                huggingface_hub.hf_hub_download(
                    repository,
                    file,
                    revision=revision,
                    endpoint=endpoint,
                    local_files_only=not is_reached,
                )
            )
        except errors.LocalEntryNotFoundError as error:
            raise UserError(
                f"{name} was not fetched before, and the hub cannot be reached ({cause}); check the connection"
            ) from error
        except errors.EntryNotFoundError as error:
            raise _no_entry(name) from error

    folder = fetch(CARD_FILE, revision).parent
    # Both files of one commit, by which the cache calls its folders, whatever is uploaded meanwhile.
    fetch(WEIGHTS_FILE, folder.name)
    if not is_reached:
        warnings.warn(f"{name}: the hub cannot be reached; the copy in {folder} is used", stacklevel=4)
    return folder


def _no_entry(name: str) -> UserError:
    return UserError(
        f"{name} has no {CARD_FILE} or no {WEIGHTS_FILE}, so that it is no entry; upload a folder that "
        "`Entry.save` wrote"
    )
