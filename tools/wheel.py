"""Make a wheel of labcore that carries its live figures: `python -m tools.wheel`, into dist/.

The kernels (WebAssembly) and the scripts are put into labcore/live/assets, which git ignores and
the wheel includes. Whoever installs the wheel needs neither a linker nor npm.
"""

import subprocess
import sys
from pathlib import Path

from labcore.live import wasm
from tools import vendor

ROOT = Path(__file__).resolve().parent.parent


def main(target: Path = ROOT / "dist") -> Path:
    """Build what the figures need, then the wheel; returns its path."""
    vendor.main()
    wasm.save(ROOT / "labcore" / "live" / "assets")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(target), str(ROOT)], check=True)
    return max(target.glob("labcore-*.whl"), key=lambda path: path.stat().st_mtime)


if __name__ == "__main__":
    print(main())
