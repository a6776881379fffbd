"""Elsewhere than on Unix: nothing is asked of a system that Windows does not have, and files are the same bytes."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import ysj_analysis
from ysj_analysis import publication
from ysj_analysis.report import render

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(Path(ysj_analysis.__file__).parent.glob("*.py"))
UNIX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios", "syslog"}
WITHOUT = """
import os, signal, sys
for name in ("fork", "forkpty", "register_at_fork", "setsid", "mkfifo", "fchmod", "sched_getaffinity", "nice"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM", "SIGXFSZ", "SIGUSR1", "alarm", "setitimer"):
    if hasattr(signal, name):
        delattr(signal, name)
sys.modules |= dict.fromkeys(("resource", "pwd", "grp", "termios"))
if __name__ == "__main__":
    from ysj_analysis.__main__ import main
    sys.exit(main(sys.argv[1:]))
"""
"""Runs a command of the kit without what Windows lacks: processes cannot be forked, among other things."""


def speaks_of_encoding(call):
    """Whether a call that opens a file says how its text is encoded, or opens bytes."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in ("open", "read_text", "write_text") or (
        isinstance(call.func, ast.Name) and name != "open"
    ):
        return True
    if any(k.arg in ("encoding", None) for k in call.keywords):
        return True
    values = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    values += [k.value.value for k in call.keywords if k.arg == "mode"]
    if name == "read_text":
        return bool(values)
    return name == "open" and (any("b" in v for v in values) or not isinstance(call.func, ast.Name))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_text_has_an_encoding_and_no_module_needs_unix(path):
    """Windows would take the encoding of the country; its Python has none of these modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and not speaks_of_encoding(n)]
    assert silent == []
    first = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    named = {a.name for n in first if isinstance(n, ast.Import) for a in n.names}
    named |= {n.module for n in first if isinstance(n, ast.ImportFrom) and n.module}
    assert not named & UNIX_ONLY


@pytest.mark.parametrize(
    ("code", "fine"),
    [
        ("open('a')", False),
        ("open('a', 'rb')", True),
        ("open('a', encoding='utf-8')", True),
        ("p.write_text('x')", False),
        ("p.read_text('utf-8')", True),
        ("p.read_text()", False),
    ],
)
def test_what_counts_as_saying_so(code, fine):
    assert speaks_of_encoding(ast.parse(code).body[0].value) == fine


def test_a_report_comes_out_the_same_without_what_windows_lacks(tmp_path):
    (tmp_path / "without.py").write_text(WITHOUT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "without.py", "report", "reproduce_plan_2023_24", "--out", "there"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / done.stdout.strip()).read_bytes()
    assert page == (render("reproduce_plan_2023_24", out=tmp_path / "here") / "index.html").read_bytes()


def test_a_lock_is_held_by_windows_own_means(monkeypatch):
    asked = []
    msvcrt = SimpleNamespace(LK_NBLCK=2, locking=lambda *given: asked.append(given))
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    monkeypatch.setattr(publication, "os", SimpleNamespace(name="nt"))
    publication._hold(7)
    assert asked == [(7, 2, 1)]


def test_a_checkout_is_the_same_bytes_and_its_hooks_have_no_path_of_one_system():
    assert (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()[-1] == "* -text"
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    assert [h["entry"].split()[:2] for h in hooks] == [["python", "-m"]] * len(hooks)
