"""The wheel has the whole package with its data, and nothing else."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_package_and_its_data(tmp_path: Path) -> None:
    subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {
        path for path in (ROOT / "cloudmart").rglob("*.*") if "__pycache__" not in path.parts
    }
    templates = {
        f"cloudmart/cli/iam_templates/{path.name}" for path in (ROOT / "k8s/iam").iterdir()
    }
    own = {str(path.relative_to(ROOT)) for path in package if path.is_file()}
    assert held == own | templates
    assert "cloudmart/local/catalogue.json" in held
