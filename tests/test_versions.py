"""One source of truth for versions: pyproject.toml, which environment.yml and the lock must agree with."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PYTHONS = ("3.11.9", "3.12.9", "3.13.5", "3.14.0")
FROM_PIP = ("documents", "checks", "docs")  # not all of these are conda packages under the same name
MACHINES = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
)


def wanted():
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(r) for group in (PROJECT["dependencies"], *extras) for r in group]


def locked():
    """Each pin of the lock: its requirement and how many hashes it has."""
    joined = LOCK.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]
    return [(Requirement(line.split("--hash")[0].strip()), line.count("--hash=sha256:")) for line in lines]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m["sys_platform"])
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_gives_every_requirement_one_version_it_allows(python, machine):
    here = machine | {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    pins = {}
    for pin, _ in locked():
        if pin.marker is None or pin.marker.evaluate(here):
            (only,) = pin.specifier
            pins.setdefault(canonicalize_name(pin.name), []).append(Version(only.version))
    for requirement in wanted():
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert len(versions) == 1, f"{requirement.name}: {versions}"
        assert requirement.specifier.contains(versions[0]), f"{requirement} is locked at {versions[0]}"


def test_every_pin_is_exact_and_hashed():
    for pin, hashes in locked():
        assert [s.operator for s in pin.specifier] == ["=="], pin
        assert hashes >= 1, pin


def test_the_lock_names_no_address():
    assert "://" not in LOCK
    assert not re.search(r"^\s*--(extra-)?(index-url|find-links)", LOCK, re.MULTILINE)
    assert not (ROOT / "uv.lock").exists()


def test_environment_has_the_ranges_of_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {r.name: r.specifier for r in map(Requirement, (d for d in listed if isinstance(d, str)))}
    assert str(conda.pop("python")) == PROJECT["requires-python"]
    assert str(conda.pop("pip")) == ""
    (by_pip,) = [d["pip"] for d in listed if isinstance(d, dict)]
    extras = PROJECT["optional-dependencies"]
    assert by_pip == [f"-e .[{','.join(FROM_PIP)}]"]
    others = [r for name, group in extras.items() if name not in FROM_PIP for r in group]
    assert conda == {r.name: r.specifier for r in map(Requirement, [*PROJECT["dependencies"], *others])}


def test_the_package_says_its_version():
    import ysj_analysis

    assert ysj_analysis.__version__ == PROJECT["version"]


def test_rendering_does_not_need_jupyterlab():
    render = {Requirement(r).name for r in PROJECT["dependencies"]}
    assert "jupyterlab" not in render
    assert {Requirement(r).name for r in PROJECT["optional-dependencies"]["lab"]} >= {"jupyterlab"}
