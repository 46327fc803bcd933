"""What must a law know of its family, and what does every frozen law answer?"""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor


class Family(Protocol):
    """A family of distributions, as the laws made of it see it."""

    @property
    def support(self) -> Any:
        """Ends of the range of y, and whether it is discrete."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Name -> link of each parameter."""

    def log_prob(self, y: Tensor, *args: Any, **params: Any) -> Tensor:
        """Log-density, or log-mass, at `y`."""
