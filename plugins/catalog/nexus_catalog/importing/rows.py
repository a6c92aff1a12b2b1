"""Checking one record: it becomes a row to store, or a refusal with its reason. Nothing is stored here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from nexus_catalog.importing.cells import path_names
from nexus_catalog.importing.records import Record
from nexus_catalog.models import HEAVIEST, LARGEST_QUANTITY, LONGEST_OPTION, LONGEST_VALUE, MOST_OPTIONS
from nexus_catalog.services.categories import DEEPEST
from nexus_catalog.services.slugs import RESERVED, is_id, words
from nexus_kernel import Money
from nexus_kernel.money import MoneyError

MOST_IMAGES = 20
_LONGEST = {"sku": 64, "product": 200, "title": 200, "description": 20_000, "category": 2000, "slug": 100}
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"[\t\r\n]")
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
_IMAGE_SEPARATOR = re.compile(r"\s*[|\n]\s*")


@dataclass(frozen=True, slots=True)
class ImageLine:
    """An image that a row names: an address or a path, and what it shows."""

    source: str
    alt: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A checked row. `category` is the path from its root; None is what the file says nothing about."""

    record: Record
    sku: str
    product: str
    title: str
    description: str
    category: tuple[str, ...]
    price: Money
    stock: int
    slug: str
    seller: str | None
    options: Mapping[str, str] | None
    images: tuple[ImageLine, ...]
    active: bool
    weight_grams: int | None

    @property
    def line(self) -> int:
        """The line that the row begins on."""
        return self.record.line


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is not imported: the row as it stood in the file, its SKU as far as it has one, and why."""

    record: Record
    sku: str
    reason: str


def refusal(record: Record, reason: str) -> Refusal:
    """The refusal of this record."""
    return Refusal(record, shown(record.values.get("sku")), reason)


def shown(value: Any) -> str:
    """A value for a message: short, on one line."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return " ".join(text.split())[:64]


def product_key(record: Record) -> str:
    """What the record shares with the other variants of its product; empty for a product of its own."""
    value = record.values.get("product")
    return value.strip() if isinstance(value, str) else ""


def checked(record: Record, currency: str) -> ImportRow:
    """The row of a record. Raises ValueError with the reason why there is none."""
    if record.fault:
        raise ValueError(record.fault)
    values = record.values
    text = {name: _text(values, name) for name in (*_LONGEST, "currency", "seller", "active")}
    key = text["product"]
    if not text["sku"]:
        raise ValueError("sku is empty")
    if not text["title"] and not key:
        raise ValueError("title is empty")
    return ImportRow(
        record,
        text["sku"],
        key,
        text["title"],
        text["description"],
        _category(text["category"]),
        _price(_number(values, "price"), text["currency"] or currency),
        _stock(_number(values, "stock")),
        _slug(text["slug"]),
        _seller(text["seller"]) if "seller" in values else None,
        _options(values["options"]) if "options" in values else None,
        _images(values.get("images"), values.get("image_alt")),
        _active(text["active"]),
        _weight(_number(values, "weight_grams")) if "weight_grams" in values else None,
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return _clean(name, value.strip(), one_line=name != "description")


def _clean(name: str, value: str, one_line: bool) -> str:
    if len(value) > _LONGEST.get(name, 2000):
        raise ValueError(f"{name} has more than {_LONGEST.get(name, 2000)} characters")
    if _NOT_UTF8.search(value):
        raise ValueError(f"{name} is not UTF-8 text")
    if _CONTROL.search(value) or (one_line and _LINE_END.search(value)):
        raise ValueError(f"{name} contains control characters or line breaks")
    return value


def _number(values: Mapping[str, Any], name: str) -> str:
    """A number as it is written; JSON may hold it as text or as a number, which is read exactly."""
    value = values.get(name)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"{name} must be a number")
    return str(value)


def _category(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    path = path_names(text)
    if not all(path) or max(map(len, path)) > 100:
        raise ValueError('category must be names of 1 to 100 characters, such as "Home > Garden"')
    if len(path) > DEEPEST:
        raise ValueError(f"category is more than {DEEPEST} levels deep")
    return path


def _price(text: str, currency: str) -> Money:
    if not text:
        raise ValueError("price is empty")
    if text.startswith("-") and _DECIMAL.fullmatch(text[1:]):
        raise ValueError(f"price must not be negative, and is {text}")
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"price must be a plain decimal such as 1000.00, not {text[:40]!r}")
    try:
        return Money.parse(text, currency)
    except MoneyError as error:
        raise ValueError(f"price {text}: {error}") from None


def _stock(text: str) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > LARGEST_QUANTITY:
        raise ValueError(f"stock must be a whole number from 0 to {LARGEST_QUANTITY}, not {text[:40]!r}")
    return int(text)


def _weight(text: str) -> int:
    if not _WHOLE.fullmatch(text or "0") or int(text or "0") > HEAVIEST:
        raise ValueError(f"weight_grams must be a whole number from 0 to {HEAVIEST}, not {text[:40]!r}")
    return int(text or "0")


def _slug(text: str) -> str:
    if text and (is_id(text) or set(text) - _parts(text)):
        raise ValueError(f"slug must be letters and digits in lower case with hyphens, not {text[:40]!r}")
    if text in RESERVED:
        raise ValueError(f"the slug {text} is a word of the shop's own addresses")
    return text


def _parts(text: str) -> set[str]:
    """The characters of `text` that a slug may have."""
    return {"-", *"".join(words(text))}


def _seller(text: str) -> str:
    if text and not is_id(text):
        raise ValueError(f"seller must be the id of a person, not {text[:40]!r}")
    return str(UUID(text)) if text else ""


def _options(value: Any) -> dict[str, str]:
    """`{"colour": "red"}`, as an object of JSON or its text."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value) if value.strip() else {}
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ValueError('options must be an object of JSON, such as {"colour": "red"}') from None
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ValueError('options must be an object of JSON with texts, such as {"colour": "red"}')
    if len(value) > MOST_OPTIONS:
        raise ValueError(f"a variant has at most {MOST_OPTIONS} options")
    found = {
        _option("name", str(name), LONGEST_OPTION): _option("value", text, LONGEST_VALUE)
        for name, text in value.items()
    }
    if len({name.casefold() for name in found}) < len(value):
        raise ValueError("an option comes twice")
    return found


def _option(what: str, text: str, longest: int) -> str:
    text = _clean(f"an option's {what}", text.strip(), one_line=True)
    if not 0 < len(text) <= longest:
        raise ValueError(f"an option's {what} has 1 to {longest} characters")
    return text


def _images(value: Any, alt: Any) -> tuple[ImageLine, ...]:
    sources, alts = _listed("images", value), _listed("image_alt", alt, blanks=True)
    if len(sources) > MOST_IMAGES or len(set(sources)) < len(sources):
        raise ValueError(f"images are at most {MOST_IMAGES}, none of them twice")
    if len(alts) > max(len(sources), 1):
        raise ValueError("image_alt has more texts than there are images")
    if max(map(len, alts), default=0) > 300:
        raise ValueError("image_alt has more than 300 characters")
    alts += alts[:1] * (len(sources) - 1) if len(alts) == 1 else [""] * (len(sources) - len(alts))
    return tuple(ImageLine(source, text) for source, text in zip(sources, alts, strict=False))


def _listed(name: str, value: Any, blanks: bool = False) -> list[str]:
    """A list of JSON, or a cell in which `|` or a line break separates."""
    if value is None or value == "":
        return []
    items = _IMAGE_SEPARATOR.split(value.strip()) if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{name} must be a text or a list of texts")
    cleaned = [_clean(name, item.strip(), one_line=True) for item in items]
    return cleaned if blanks else [item for item in cleaned if item]


def _active(text: str) -> bool:
    if text.lower() not in ("", "true", "false"):
        raise ValueError(f"active must be true or false, not {text[:40]!r}")
    return text.lower() != "false"
