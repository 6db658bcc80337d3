"""The stored measurements: benchmarks/results.json, which the book shows."""

import json
from pathlib import Path
from typing import Any

STORED = Path(__file__).with_name("results.json")
PACKAGES = [
    *["numpy", "scipy", "numba", "scikit-learn", "torch", "jax", "blackjax", "nutpie"],
    *["goodpoints", "dppy", "qmcpy", "emcee", "torchsde", "POT", "statsmodels", "fbm", "pysiglib"],
    *["tick", "torchcfm"],
]


def load() -> dict[str, Any]:
    """What is stored; no rows where there is nothing yet."""
    return json.loads(STORED.read_text("utf-8")) if STORED.exists() else {"rows": []}


def _disagree(stored: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether what both know differs: a peer that is new says nothing against older rows."""
    return any(stored[name] != now[name] for name in stored.keys() & now.keys())


def save(heading: dict[str, Any], rows: list[dict[str, Any]], names: list[str]) -> None:
    """Store the `rows`, in the order of `names`, in place of the older ones of the same name.

    Raises
    ------
    ValueError
        If older rows would stay that another machine or other versions measured: one table cannot
        show both. A run of all workloads replaces everything.
    """
    new = {row["name"]: row for row in rows}
    stored = load()
    kept = {r["name"]: r for r in stored["rows"] if r["name"] in names and r["name"] not in new}
    for part in ("machine", "versions"):
        if kept and _disagree(stored[part], heading[part]):
            raise ValueError(f"the stored rows are from another {part}: measure all workloads anew")
    both = kept | new
    content = heading | {"rows": [both[name] for name in names if name in both]}
    text = json.dumps(_rounded(content), indent=1, ensure_ascii=False, allow_nan=False)
    STORED.write_text(text + "\n", "utf-8")


def _rounded(value: Any) -> Any:
    """Numbers with four digits, which is more than was measured."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
