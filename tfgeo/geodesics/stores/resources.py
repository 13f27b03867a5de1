"""What a matrix takes and what there is: memory, disk, and how both are said."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable

from tfgeo.errors import UserError

__all__ = ["available_memory", "check_disk", "check_memory", "format_bytes", "format_seconds"]

# Share of what is available that a matrix may take: what is found on the way, and others, need some too.
MEMORY_SHARE = 0.9


def available_memory() -> int | None:
    """Bytes that this process can still take without swapping; None where the system does not say."""
    free = [_meminfo(pathlib.Path("/proc/meminfo"))]
    # Containers hold a process below what the machine has.
    free.append(_cgroup(pathlib.Path("/sys/fs/cgroup")))
    known = [number for number in free if number is not None]
    if known:
        return min(known)
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(num_bytes: int, what: str, describe: Callable[[], str], remedy: str) -> None:
    """Refuses, in one line, what does not fit in memory, before any of it is taken.

    Args:
      num_bytes: what it would take.
      what: what it is, in words.
      describe: what more there is to say of it, such as how long it would take; asked where it is said alone.
      remedy: what to do instead.

    Raises:
      UserError: if it does not fit.
    """
    available = available_memory()
    if available is not None and num_bytes > MEMORY_SHARE * available:
        raise UserError(
            f"{what} take {format_bytes(num_bytes)}{describe()}, but {format_bytes(available)} of memory are "
            f"available; {remedy}"
        )


def check_disk(folder: pathlib.Path, num_bytes: int, what: str) -> None:
    """Refuses what the disk of a folder, which need not be there yet, would not hold."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if num_bytes > free:
        raise UserError(
            f"{what} take up to {format_bytes(num_bytes)}, but the disk of {folder} has {format_bytes(free)} left; "
            "make room, give a store on another disk, or fewer points"
        )


def format_bytes(num: float) -> str:
    """Bytes in the unit that suits them: '1.8 GB'."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if num < 1000 or unit == "TB":
            break
        num /= 1000
    return f"{num:.0f} {unit}" if unit == "bytes" else f"{num:.1f} {unit}"


def format_seconds(seconds: float) -> str:
    """Seconds in the unit that suits them: '3.1 hours'."""
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _meminfo(path: pathlib.Path) -> int | None:
    """What Linux says is available, caches that it can drop included."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _cgroup(folder: pathlib.Path) -> int | None:
    """What is left of the limit of a container, where there is one."""
    try:
        limit, used = ((folder / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        lines = (folder / "memory.stat").read_text().splitlines()
        cached = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return max(int(limit) - int(used) + cached, 0)
    except (OSError, StopIteration, ValueError, IndexError):  # "max": no limit
        return None
