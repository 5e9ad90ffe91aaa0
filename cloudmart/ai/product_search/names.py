"""Names of one thing: who asks for a bag is shown a backpack, in a shop that has no bag."""

from collections.abc import Sequence

_SAME = """
bag backpack rucksack daypack knapsack satchel
pan skillet frypan
mug cup beaker
headphone headset earphone
rug carpet
sofa couch settee
lantern torch flashlight
notebook notepad journal diary jotter
blanket throw plaid
pillow cushion
jug pitcher carafe
lamp light
bin wastebasket
"""
_GROUPS = [line.split() for line in _SAME.split("\n") if line]


def same_things(word: str) -> Sequence[str]:
    """Return the other names of a thing, without their plurals."""
    return [each for group in _GROUPS if word in group for each in group if each != word]
