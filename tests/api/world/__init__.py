"""A shop with people, goods and opinions in it, made over its own API, for tests that ask every route.

`headers` are those of a request by role, `ids` what can be asked for by name, and `known` what a request can
say by the name of the field, so that requests made from the document reach what lies behind a 404.
"""

from .people import PASSWORD
from .snapshot import Snapshot
from .till import TILL
from .world import World

__all__ = ["PASSWORD", "TILL", "Snapshot", "World"]
