"""Where the compiled packages are missing everything comes out the same, and one line says how to get them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from console_script import environment, write_small

LINE = (
    "note: without PyYAML's compiled parser and jsonschema-rs many manifests take long; "
    "install it with: pip install 'reconciler-gitops[fast]'\n"
)
WITHOUT = "import sys; sys.modules['yaml'] = sys.modules['jsonschema_rs'] = sys.modules['msgspec'] = None\n"
RUN = "import sys; from reconciler.cli.main import main; sys.exit(main(sys.argv[1:]))"


def run(folder: Path, *arguments: str, without: bool) -> tuple[int, str, str]:
    code = (WITHOUT if without else "") + RUN
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment(folder, {"GALTEA_API_KEY": "gsk_not-a-real-key"}),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def product(index: int, more: str = "") -> str:
    return f"""\
apiVersion: galtea/v1
kind: Product
metadata: {{name: p{index}}}
spec:
  description: "Product: number {index}"
  tags: [a, b]{more}
"""


@pytest.mark.parametrize(
    ("count", "more", "code"),
    [
        pytest.param(200, "", 0, id="many"),
        pytest.param(3, "", 0, id="few"),
        pytest.param(3, "\n  autoCloseScope: NOWHERE\n  riskLevel: 3", 3, id="mistakes"),
        pytest.param(3, "\n  tags: [c]", 3, id="syntax"),
    ],
)
def test_the_results_are_the_same(tmp_path: Path, count: int, more: str, code: int) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9", manifest="---\n".join(product(i, more) for i in range(count)))
    fast = run(folder, "validate", "-v", without=False)
    slow = run(folder, "validate", "-v", without=True)
    assert fast[0] == code, fast
    line = LINE if count >= 200 else ""
    assert (slow[0], slow[1], slow[2].removeprefix(line)) == fast
    assert slow[2].startswith(line)
    assert LINE not in run(folder, "validate", "--quiet", without=True)[2]
