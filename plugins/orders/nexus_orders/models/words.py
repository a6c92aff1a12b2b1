"""The words that orders are found by: of the order its number and city, of its lines SKU and title.

They are expressions that indexes hold, so no row grows by them. No text search parser and no trigrams make
them: both see letters of most scripts only where the database's locale knows them.
"""

from sqlalchemy import Index, literal_column

from nexus_orders.models.order import Order, OrderItem

SEPARATORS = "@._+-,;:!?/()[]\"'&|\u1361\u1362\u1363\u1364"
"""What stands between words, with the Ethiopic word space, full stop, comma and semicolon."""
_SPLIT = "string_to_array(translate(lower(left({0}, 400)), '{1}', '{2}'), ' ')"
_WORDS = "array_to_tsvector(array_remove(array_remove({0} || ARRAY[{1}], ''), NULL))"


def _split(column: str) -> str:
    return _SPLIT.format(column, SEPARATORS.replace("'", "''"), " " * len(SEPARATORS))


ORDER_WORDS = _WORDS.format(
    _split("orders_order.city"), "lower(orders_order.number), lower(substr(orders_order.number, 4))"
)
"""The number whole and without its first part, and the words of the city."""
ITEM_WORDS = _WORDS.format(_split("orders_item.title"), "lower(left(orders_item.sku, 400))")
"""The SKU whole, and the words of the title."""

for name, words, model in (
    ("ix_orders_order_words", ORDER_WORDS, Order),
    ("ix_orders_item_words", ITEM_WORDS, OrderItem),
):
    Index(
        name,
        literal_column(words.replace(f"{model.__tablename__}.", "")),
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
        _table=model.__table__,
    )
