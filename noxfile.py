"""The test suite on every Python from 3.10 to 3.13 that this machine has."""

import os
import shutil
import subprocess

import nox

VERSIONS = ["3.10", "3.11", "3.12", "3.13"]

if shutil.which("pyenv"):
    # pyenv answers `python3.12` only for the versions that are switched on.
    installed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
    os.environ["PYENV_VERSION"] = ":".join(installed.stdout.split())

nox.options.error_on_missing_interpreters = False


@nox.session(python=VERSIONS)
def tests(session: nox.Session) -> None:
    """Run the suite; what stands behind `--` goes to pytest."""
    session.install("--quiet", "--upgrade", "pip>=25.1")
    session.install("--quiet", "--editable", ".", "--group", "test")
    session.run("python", "-m", "pytest", "-q", *session.posargs)
