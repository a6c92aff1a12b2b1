"""The filters of orders: what each parameter asks of an order, and how words are found in a hundred thousand.

Rare words are found by the indexes of words, and their orders by id. Words that stand in too many orders are
looked for in each order on the way, which comes to a page of them at once.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, cast, false, func, literal_column, or_, select, union_all
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from nexus_kernel import Actor, Forbidden, invalid_field, services
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.currencies import EXPONENTS
from nexus_orders.models import Order, OrderItem
from nexus_orders.models.words import ITEM_WORDS, ORDER_WORDS, SEPARATORS

MANAGE = "orders.manage"
MOST_WORDS = 5
RARE = 2_000
"""Places up to which a word is rare."""
SORTS: dict[str, tuple[Sequence[Any], bool]] = {
    "-placed_at": ((Order.placed_at, Order.id), True),
    "placed_at": ((Order.placed_at, Order.id), False),
    "-total": ((Order.total_minor, Order.id), True),
    "total": ((Order.total_minor, Order.id), False),
}
"""The columns and the direction of each sort. Totals of several currencies are sorted as minor units."""

_BLANKS = dict.fromkeys(map(ord, SEPARATORS), " ")
_EQUAL = ("status", "payment_status", "payment_method", "country", "currency")
_ORDERS_WORDS: ColumnElement[Any] = literal_column(ORDER_WORDS)
_ITEMS_WORDS: ColumnElement[Any] = literal_column(ITEM_WORDS)


class Filters:
    """What somebody asks for; staff may ask for a buyer's orders, others only have their own."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._is_staff = actor.can(MANAGE)

    def conditions(self, args: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        """The conditions for these parameters. At most one query for `email` and, for staff, one for `q`.

        Raises Forbidden for a buyer's filter of somebody who is not staff.
        """
        found = [getattr(Order, name) == args[name] for name in _EQUAL if name in args]
        if "number" in args:
            found.append(Order.number == args["number"].upper())
        if "placed_from" in args:
            found.append(Order.placed_at >= args["placed_from"])
        if "placed_to" in args:
            found.append(Order.placed_at <= args["placed_to"])
        if "min_total" in args:
            found.append(Order.total_minor >= _in_minor_units(args["min_total"], ROUND_CEILING))
        if "max_total" in args:
            found.append(Order.total_minor <= _in_minor_units(args["max_total"], ROUND_FLOOR))
        return [*found, *self._buyers(args), *self._words(args.get("q", ""))]

    def _buyers(self, args: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        if not self._is_staff and {"user_id", "email"} & args.keys():
            raise Forbidden(f"To look for a buyer takes the permission {MANAGE}.")
        found = [Order.user_id == args["user_id"]] if "user_id" in args else []
        if "email" in args:
            person = _accounts().find_person(args["email"])
            found.append(Order.user_id == person.id if person else false())
        return found

    def _words(self, q: str) -> list[ColumnElement[bool]]:
        queries = [_query(word) for word in q.split()]
        rare = self._rare(queries) if queries and self._is_staff else {}
        common = [_has_word(query) for number, query in enumerate(queries) if number not in rare]
        if not rare:
            return common
        return [Order.id.in_(set.intersection(*map(set, rare.values()))), *common]

    def _rare(self, queries: Sequence[ColumnElement[Any]]) -> dict[int, list[UUID]]:
        """The ids of the orders that have a word, by its number, for the words that are rare. One query."""
        row = self._session.execute(select(*map(_ids, queries))).one()
        return {number: ids for number, ids in enumerate(row) if len(ids) <= RARE}


def _accounts() -> AccountService:
    try:
        return services.get(AccountService)
    except LookupError:
        raise invalid_field("email", "Nobody here knows people by their address.") from None


def _in_minor_units(amount: Decimal, rounding: str) -> ColumnElement[int]:
    """The amount in the minor units of each order's currency; what lies between two of them is cut off."""

    def minor(exponent: int) -> int:
        return int(amount.scaleb(exponent).to_integral_value(rounding))

    others = [(Order.currency.in_(_with_exponent(number)), minor(number)) for number in (0, 3)]
    return case(*others, else_=minor(2))


def _with_exponent(number: int) -> list[str]:
    return [code for code, exponent in EXPONENTS.items() if exponent == number]


def _ids(query: ColumnElement[Any]) -> ColumnElement[Any]:
    """The ids of the orders with this word, one for each place of it, as an array that tells RARE."""
    orders = select(Order.id).where(_matches(_ORDERS_WORDS, query)).limit(RARE + 1)
    items = select(OrderItem.order_id).where(_matches(_ITEMS_WORDS, query)).limit(RARE + 1)
    return func.array(union_all(orders, items).scalar_subquery())


def _has_word(query: ColumnElement[Any]) -> ColumnElement[bool]:
    line = select(OrderItem.id).where(OrderItem.order_id == Order.id, _matches(_ITEMS_WORDS, query))
    return or_(_matches(_ORDERS_WORDS, query), line.correlate(Order).exists())


def _matches(words: ColumnElement[Any], query: ColumnElement[Any]) -> ColumnElement[bool]:
    return words.op("@@", is_comparison=True)(query)


def _query(word: str) -> ColumnElement[Any]:
    """The word, or each of its parts, begins a word; as it was typed, in small letters, and folded."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    choices = [
        f"({_begins([spelling])} | {_begins(spelling.translate(_BLANKS).split() or [spelling])})"
        for spelling in sorted({word, word.lower(), folded})
    ]
    return cast(" | ".join(choices), TSQUERY)


def _begins(words: Sequence[str]) -> str:
    escaped = (word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return "(" + " & ".join(f"'{word}':*" for word in escaped) + ")"
