"""What the tax refuses."""

from nexus_kernel import Conflict, NotFound


class RateNotFound(NotFound):
    """There is no such rate."""

    code, title = "tax.rate_not_found", "No such rate"


class RateExists(Conflict):
    """Another active rate of this label is valid there at the same time; `rate_id` is its id."""

    code, title = "tax.rate_exists", "There is such a rate already"
