"""What is wrong with a wheel is found in the list of its files."""

from . import wheel

PATHS = [
    "README.md",
    "runtime/a.py",
    "runtime/__init__.py",
    "src/spanloom/__init__.py",
    "src/spanloom/py.typed",
    "tests/b.py",
]
NAMES = ["spanloom/__init__.py", "spanloom/py.typed", "spanloom/runtime/__init__.py", "spanloom/runtime/a.py"]
INFO = ["spanloom-1.dist-info/METADATA"]


def test_a_whole_wheel_passes():
    assert list(wheel.wheel_problems(NAMES + INFO, PATHS)) == []


def test_a_missing_module_is_found():
    assert list(wheel.wheel_problems(NAMES[:-1], PATHS)) == ["spanloom/runtime/a.py is not in the wheel (runtime/a.py)"]


def test_a_file_shipped_twice_is_found():
    assert list(wheel.wheel_problems([*NAMES, NAMES[0]], PATHS)) == ["spanloom/__init__.py is in the wheel 2 times"]


def test_a_link_shipped_as_a_second_copy_is_found():
    (problem,) = wheel.wheel_problems([*NAMES, "runtime/a.py"], PATHS)
    assert problem == "runtime/a.py is in the wheel, but no file of the library stands there"


def test_modules_are_named_as_they_are_imported():
    assert wheel.modules([*PATHS, "src/spanloom/__main__.py"]) == {"spanloom", "spanloom.runtime", "spanloom.runtime.a"}
