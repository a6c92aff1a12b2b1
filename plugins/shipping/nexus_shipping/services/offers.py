"""What a method costs for a parcel: pure, of what was read before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from nexus_kernel import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Where something goes, what it weighs, and the currency that it is paid in."""

    country: str
    region: str
    weight_grams: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A row of `shipping_band`."""

    country: str | None
    region: str
    min_weight_grams: int
    max_weight_grams: int | None
    price_minor: int
    free_from_minor: int | None

    def holds(self, weight_grams: int) -> bool:
        """True for a parcel of this weight."""
        heaviest = self.max_weight_grams
        return self.min_weight_grams <= weight_grams and (heaviest is None or weight_grams < heaviest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method with its bands for one country, and for everywhere else."""

    code: str
    title: str
    description: str
    currency: str
    min_days: int | None
    max_days: int | None
    bands: tuple[Band, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The method of this JSON."""
        return cls(**{**values, "bands": tuple(Band(**band) for band in values["bands"])})

    def places(self, parcel: Parcel) -> tuple[Band, ...]:
        """The bands of the narrowest place that the method names and the parcel goes to.

        A region of the country counts before the country, and that before everywhere else.
        """
        region = folded(parcel.region)
        inland = [band for band in self.bands if band.country == parcel.country]
        choices = (
            [band for band in inland if band.region and folded(band.region) == region],
            [band for band in inland if not band.region],
            [band for band in self.bands if band.country is None],
        )
        return tuple(next(filter(None, choices), ()))

    def band(self, parcel: Parcel) -> Band | None:
        """The band of this parcel; None where the method does not take it."""
        if parcel.currency != self.currency:
            return None
        return next((band for band in self.places(parcel) if band.holds(parcel.weight_grams)), None)

    def price(self, parcel: Parcel, worth: Money) -> Money | None:
        """What it costs to ship goods worth this much; None where the method does not take the parcel."""
        band = self.band(parcel)
        if band is None:
            return None
        is_free = band.free_from_minor is not None and worth.minor >= band.free_from_minor
        return Money(0 if is_free else band.price_minor, self.currency)

    def why_not(self, parcel: Parcel) -> str:
        """A sentence for the buyer of a parcel that the method does not take."""
        if parcel.currency != self.currency:
            return f"{self.title} is priced in {self.currency}, and this order is in {parcel.currency}."
        if not self.places(parcel):
            return f"{self.title} does not go to {parcel.country}."
        return f"{self.title} does not take {parcel.weight_grams} g to {parcel.country}."


def takers(methods: Iterable[Method], parcel: Parcel) -> list[Method]:
    """The methods that take this parcel, in their order."""
    return [method for method in methods if method.band(parcel) is not None]


def folded(region: str) -> str:
    """A region as it is compared: without case, and with single blanks."""
    return " ".join(region.split()).casefold()
