"""How do displays look? Colours, and the parts that several of them draw."""

from __future__ import annotations

from typing import Any

import numpy as np

# Okabe and Ito (2008): told apart by colour-blind readers too.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
REFERENCE = "0.35"
BAND = "0.85"

_OURS = "sklnll"
_CALIBRATED = "calibrated"


def data_style(ax: Any, kwargs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Keywords of a line of data: the caller's, else ours, in the first colour not yet in use."""
    used = sum(artist.get_gid() == _OURS for artist in ax.get_children())
    given = {"color" if key == "c" else key: value for key, value in kwargs.items()}
    return {"gid": _OURS, "color": PALETTE[used % len(PALETTE)], **defaults, **given}


def draw_reference(
    ax: Any,
    x: np.ndarray,
    expected: np.ndarray,
    band: np.ndarray,
    confidence: float,
    **kwargs: Any,
) -> None:
    """What calibrated predictions give, with the band of chance; once, if several are compared."""
    if any(line.get_label() == _CALIBRATED for line in ax.lines):
        return
    label = f"{100 * confidence:g} % band if calibrated"
    ax.fill_between(x, *band.T, color=BAND, linewidth=0, label=label, zorder=0, **kwargs)
    ax.plot(x, expected, color=REFERENCE, linewidth=1, linestyle="--", label=_CALIBRATED, zorder=1)


def draw_diagonal(ax: Any, levels: np.ndarray, band: np.ndarray, confidence: float) -> None:
    """Calibrated shares equal their levels, and at 0 and 1 nothing is left to chance."""
    x = np.concatenate([[0.0], levels, [1.0]])
    draw_reference(ax, x, x, np.concatenate([[[0.0, 0.0]], band, [[1.0, 1.0]]]), confidence)


def tidy(ax: Any) -> None:
    """Keep the axes that are read."""
    ax.spines[["top", "right"]].set_visible(False)


def unit_square(ax: Any) -> None:
    """Both axes are probabilities."""
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    tidy(ax)
