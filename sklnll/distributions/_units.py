"""How does a parameter change when y is measured in other units?"""

from enum import Enum


class Unit(Enum):
    """A unit says what a parameter is in y's units; a pure number has none."""

    PLACE = "place"
    """The parameter moves with y: where y becomes a * y + b, so does the parameter."""

    DISTANCE = "distance"
    """The parameter is stretched with y: where y becomes a * y + b, it is multiplied by a."""


PLACE, DISTANCE = Unit.PLACE, Unit.DISTANCE

USUAL_UNITS = {
    "loc": PLACE,
    "low": PLACE,
    "high": PLACE,
    "scale": DISTANCE,
    "scale_tril": DISTANCE,
}
"""Parameters of these names have these units in a family that does not say it."""
