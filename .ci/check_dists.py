"""Do the wheel and the sdist hold what they should, and does the wheel work where it is installed?

``python .ci/check_dists.py``, from a git checkout without untracked files, where build and
hatchling are installed. Nothing is left behind.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
METADATA = {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


def run(*command, **options):
    """Run a command, which must end well."""
    subprocess.run(command, check=True, **options)


def build(target, *kinds):
    """Build in this environment, so that nothing is fetched; return the wheel.

    Without `kinds`, the sdist is built, and from it the wheel.
    """
    options = ("--no-isolation", "--outdir", target, *kinds, ROOT)
    run(sys.executable, "-m", "build", *options, stdout=subprocess.DEVNULL)
    return next(target.glob("*.whl"))


def tracked_files():
    """Return the paths that git knows, relative to the root."""
    command = ["git", "ls-files"]
    return set(subprocess.check_output(command, cwd=ROOT, text=True).splitlines())


def require_same(what, found, expected):
    """Name what a distribution lacks, and what it should not hold."""
    problems = [f"{what} lacks {name}" for name in sorted(expected - found)]
    problems += [f"{what} also holds {name}" for name in sorted(found - expected)]
    if problems:
        sys.exit("\n".join(problems))


def check_wheel_files(wheel):
    """A wheel holds the package, its license and its metadata."""
    name, version = wheel.name.split("-")[:2]
    package = {path for path in tracked_files() if path.startswith(f"{name}/")}
    metadata = {f"{name}-{version}.dist-info/{file}" for file in METADATA}
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    require_same(wheel.name, found, package | metadata | {f"{name}/py.typed"})


def check_sdist_files(sdist):
    """An sdist holds all that git knows, and its metadata."""
    root = sdist.name.removesuffix(".tar.gz")
    with tarfile.open(sdist) as archive:
        found = {name.removeprefix(f"{root}/") for name in archive.getnames()}
    require_same(sdist.name, found, tracked_files() | {"PKG-INFO"})


def check_use(wheel, folder):
    """Install the wheel alone, as a user does, and use it from elsewhere."""
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    options = ("-q", "--no-compile", "-c", ROOT / ".ci" / "constraints.txt")
    run(python, "-m", "pip", "install", *options, wheel)
    run(python, "-m", "pip", "check")
    run(python, "-I", ROOT / ".ci" / "check_wheel.py", cwd=folder)


def main():
    """Build what would be published, and check it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        from_sdist = build(folder / "from_sdist")
        from_tree = build(folder / "from_tree", "--wheel")
        if from_sdist.read_bytes() != from_tree.read_bytes():
            sys.exit("the wheel of the sdist is not the wheel of the checkout")
        check_wheel_files(from_sdist)
        check_sdist_files(next(from_sdist.parent.glob("*.tar.gz")))
        check_use(from_sdist, folder)


if __name__ == "__main__":
    main()
