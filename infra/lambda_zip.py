"""Pack the Lambdas' code and its packages: python -m infra.lambda_zip TARGET [FILE …].

The same content always gives the same archive, byte for byte. Each FILE goes to the root of the
archive: google-credentials.json, the configuration of a workload identity.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

# The limit of an unpacked Lambda, and the Python and the Linux that it runs on.
MOST_BYTES = 262_144_000
_PYTHON = "3.13"
# Amazon Linux 2023 has glibc 2.34. By default pip takes no package built for an older one.
_PLATFORMS = [
    "manylinux2014_x86_64",
    *(f"manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)),
]

# The commands, the pages and the assistants belong to the service.
_NOT_OURS = {
    "api_docs",
    "app.py",
    "cli",
    "composition",
    "health",
    "http",
    "local",
    "rollout",
    "server",
    "tables",
}
# Of the assistants, only the function of the action group.
_OURS_OF_AI = {"__init__.py", "bedrock_action_group.py"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main(target: Path, files: Sequence[Path]) -> None:
    """Write the archive, or exit with a sentence that says why not."""
    for file in files:
        _refuse_key(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        packages = Path(directory)
        _install(packages)
        contents = dict(_contents(packages, files))
        size = sum(path.stat().st_size for path in contents.values())
        if size > MOST_BYTES:
            sys.exit(f"{size} bytes are more than the {MOST_BYTES} that Lambda unpacks.")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in sorted(contents.items()):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, unpacked {size / 1e6:.1f} MB")


def _refuse_key(file: Path) -> None:
    if json.loads(file.read_bytes()).get("type") == "service_account":
        sys.exit(f"{file} is a service account's key, which has no place in an archive of code.")


def _install(packages: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes", "--requirement", str(ROOT / "requirements/lambda.txt")),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", _PYTHON),
        *(word for each in _PLATFORMS for word in ("--platform", each)),
        *("--no-compile", "--target", str(packages)),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - pip, with our own arguments


def _contents(packages: Path, files: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for path in packages.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and "bin" not in path.parts:
            yield path.relative_to(packages).as_posix(), path
    ours = ROOT / "cloudmart"
    for path in ours.rglob("*.py"):
        first, *rest = path.relative_to(ours).parts
        if first not in _NOT_OURS and (first != "ai" or rest[0] in _OURS_OF_AI):
            yield path.relative_to(ROOT).as_posix(), path
    for file in files:
        yield file.name, file


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
