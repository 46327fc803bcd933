"""How does a parameter change when y is measured in other units?"""

from enum import Enum


class Unit(Enum):
    """What a parameter is in y's units; one that has none is a pure number."""

    PLACE = "place"
    """It moves with y: where y becomes a * y + b, so does the parameter."""

    DISTANCE = "distance"
    """It is stretched with y: where y becomes a * y + b, the parameter is multiplied by a."""


PLACE, DISTANCE = Unit.PLACE, Unit.DISTANCE

USUAL_UNITS = {
    "loc": PLACE,
    "low": PLACE,
    "high": PLACE,
    "scale": DISTANCE,
    "scale_tril": DISTANCE,
}
"""What parameters of these names are in a family that does not say it."""
