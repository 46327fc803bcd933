"""How do displays look? Colors, and the parts that several of them draw."""

from __future__ import annotations

from typing import Any

import numpy as np

# Okabe and Ito (2008): told apart by color-blind readers too.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
REFERENCE = "0.35"
BAND = "0.85"

_FROM_0_TO_1 = (-0.02, 1.02)  # markers at the ends are seen whole
_OURS = "sklnll"
_CALIBRATED = "calibrated"


def style(kwargs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Take the caller's keywords of a line, by their full names, and ours for the others."""
    from matplotlib import cbook, lines

    return defaults | cbook.normalize_kwargs(kwargs, lines.Line2D)


def data_style(ax: Any, kwargs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Add to `style` the first color that no other display on these axes has."""
    used = sum(artist.get_gid() == _OURS for artist in ax.get_children())
    return style(kwargs, gid=_OURS, color=PALETTE[used % len(PALETTE)], **defaults)


def draw_reference(
    ax: Any,
    x: np.ndarray,
    expected: np.ndarray,
    band: np.ndarray,
    confidence: float,
    **kwargs: Any,
) -> None:
    """Draw what calibrated predictions give, with the band of chance; once on the same axes."""
    if any(line.get_label() == _CALIBRATED for line in ax.lines):
        return
    label = f"{100 * confidence:g} % band if calibrated"
    ax.fill_between(x, *band.T, color=BAND, linewidth=0, label=label, zorder=0, **kwargs)
    ax.plot(x, expected, color=REFERENCE, linewidth=1, linestyle="--", label=_CALIBRATED, zorder=1)


def draw_shares(
    ax: Any,
    levels: np.ndarray,
    shares: np.ndarray,
    band: np.ndarray,
    confidence: float,
    look: dict[str, Any],
) -> Any:
    """Draw the curve of observed shares over the diagonal, and return the curve."""
    draw_diagonal(ax, levels, band, confidence)
    (line,) = ax.plot(levels, shares, **look)
    unit_square(ax)
    legend(ax)
    return line


def draw_diagonal(ax: Any, levels: np.ndarray, band: np.ndarray, confidence: float) -> None:
    """Draw the diagonal and its band, which closes at 0 and 1: nothing is left to chance there."""
    x = np.concatenate([[0.0], levels, [1.0]])
    draw_reference(ax, x, x, np.concatenate([[[0.0, 0.0]], band, [[1.0, 1.0]]]), confidence)


def legend(ax: Any, **kwargs: Any) -> None:
    """Add a legend that hides little of what lies below."""
    ax.legend(fontsize="small", title_fontsize="small", framealpha=0.7, edgecolor="none", **kwargs)


def tidy(ax: Any) -> None:
    """Keep only the axes that are read."""
    ax.spines[["top", "right"]].set_visible(False)


def unit_square(ax: Any) -> None:
    """Show both axes as probabilities."""
    ax.set(xlim=_FROM_0_TO_1, ylim=_FROM_0_TO_1, aspect="equal")
    tidy(ax)
