"""What does a solver work on, and where does it start?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._data.rows import MemberRows
from .._network.fitted import FittedNetwork
from .batches import Batches
from .hyperparameters import SolverSettings
from .objective import Objective
from .optimizers import State

_SEEDS = 2**31 - 1

RandomStates = list[np.random.RandomState]


def draw_seed(random_state: np.random.RandomState) -> int:
    """Draw a seed for another generator."""
    return int(random_state.randint(_SEEDS))


@dataclass(frozen=True)
class Start:
    """The earlier fit with which training continues.

    Parameters
    ----------
    network : FittedNetwork
    n_seen : int
        Rows seen so far, repetitions counted.
    optimizer_state : dict
        That of the last increment; empty where there was none.
    seen : dict
        What was kept of the rows of earlier increments; empty where there were none.
    begin_with : tuple of two ndarray, optional
        y, in new units of training, and weights of the rows with whose fit without x the
        predictions begin anew, where y is in other units than before.
    """

    network: FittedNetwork
    n_seen: int
    optimizer_state: State
    seen: State
    begin_with: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Problem:
    """All that a solver works on.

    Parameters
    ----------
    objective : Objective
        What is minimized; its network is changed.
    rows : MemberRows
        Rows that the members train on.
    held : MemberRows or None
        Rows that judge them, where some are held out.
    settings : SolverSettings
    random_states : list of RandomState
        One for each member.
    """

    objective: Objective
    rows: MemberRows
    held: MemberRows | None
    settings: SolverSettings
    random_states: RandomStates

    @property
    def batches(self) -> Batches:
        """The rows, cut into batches."""
        settings = self.settings
        return Batches(self.rows, settings.batch_size, settings.shuffle, self.random_states)
