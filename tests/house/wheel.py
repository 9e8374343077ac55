"""The wheel: built from a copy of what could be committed, installed alone, every module imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from .tree import FRONT_DOOR, ROOMS, ROOT, module_name

IMPORT_ALL = """
import importlib, pathlib, pkgutil, sys
import spanloom
home = pathlib.Path(spanloom.__file__).parent
assert home.is_relative_to(sys.prefix), f"spanloom was imported from {home}"
names = [m.name for m in pkgutil.walk_packages(spanloom.__path__, "spanloom.") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print("\\n".join(["spanloom", *names]))
"""


def shipped(paths: Iterable[str]) -> dict[str, str]:
    """Return where each file of the library stands in the wheel: name in the wheel -> path in the repository."""
    inside = {path: path.removeprefix(f"{FRONT_DOOR}/") for path in paths}
    starts = tuple(f"{room}/" for room in (*ROOMS, FRONT_DOOR))
    return {f"spanloom/{name}": path for path, name in inside.items() if path.startswith(starts)}


def wheel_problems(names: Iterable[str], paths: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the list of files in a wheel built from these files of the repository.

    Args:
        names: The names in the archive, one for each entry.
        paths: The files of the repository, links left out.
    """
    counts = Counter(names)
    library = {name for name in counts if ".dist-info/" not in name}
    expected = shipped(paths)
    yield from (f"{name} is in the wheel {times} times" for name, times in counts.items() if times > 1)
    yield from (f"{name} is not in the wheel ({expected[name]})" for name in sorted(expected.keys() - library))
    yield from (
        f"{name} is in the wheel, but no file of the library stands there" for name in sorted(library - expected.keys())
    )


def copy_repository(paths: Iterable[str], target: Path) -> None:
    """Copy files of the repository and the links of the front door, as links."""
    links = [f"{FRONT_DOOR}/{room}" for room in ROOMS]
    for path in [*paths, *links]:
        copied = target / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copied, follow_symlinks=False)


def build(project: Path, out: Path) -> Path:
    """Build the wheel with the build back end that is installed here; nothing is fetched."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(project)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"the wheel cannot be built:\n{done.stdout}{done.stderr}"
    (wheel,) = out.glob("*.whl")
    return wheel


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def import_everything(wheel: Path, folder: Path) -> set[str]:
    """Install the wheel alone in a new environment and return the modules that were imported there.

    What spanloom depends on is borrowed from this environment through a .pth file, which brings no other .pth file with
    it, so an editable spanloom of this environment stays out of sight.
    """
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    purelib = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*install, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, f"the wheel cannot be installed:\n{done.stdout}{done.stderr}"
    (purelib / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    run = [str(python), "-I", "-c", IMPORT_ALL]
    done = subprocess.run(run, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, f"a module of the installed wheel cannot be imported:\n{done.stdout}{done.stderr}"
    return set(done.stdout.split())


def modules(paths: Iterable[str]) -> set[str]:
    """Return the modules that these files of the repository are, `__main__` left out."""
    return {module_name(path) for path in shipped(paths).values() if path.endswith(".py") and "__main__" not in path}
