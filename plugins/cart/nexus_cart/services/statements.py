"""The cart's statements. Each change is one of them, and each writes the row of the cart first.

The row's lock orders the changes of one cart among themselves and against its checkout. With it stands when
the sweep looks at the cart: a change leaves that as it is, so that no index has to be written for it.
"""

from sqlalchemy import ARRAY, BigInteger, Integer, String, TextClause, Uuid, bindparam, text

_TOUCH = """
    UPDATE cart_cart SET version = version + 1, updated_at = now(), look_at = coalesce(look_at, now())
"""

OPEN = text(
    """
    INSERT INTO cart_cart (id, holder_id, generation, version) VALUES (:id, :holder_id, 1, 1)
    ON CONFLICT (holder_id) DO UPDATE SET updated_at = cart_cart.updated_at
    RETURNING id
    """
).columns(id=Uuid)

READ = text(
    """
    SELECT cart.id AS cart_id, item.id, item.variant_id, item.quantity, item.unit_price_minor, item.currency
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.holder_id = :holder_id ORDER BY item.id
    """
).columns(cart_id=Uuid, id=Uuid, variant_id=Uuid)

_OPEN_OR_TOUCH = """
    INSERT INTO cart_cart (id, holder_id, generation, version, look_at)
    VALUES (:cart_id, :holder_id, 1, 1, now())
    ON CONFLICT (holder_id) DO UPDATE
    SET version = cart_cart.version + 1, updated_at = now(), look_at = coalesce(cart_cart.look_at, now())
    RETURNING id
"""

OPEN_OR_TOUCH = text(_OPEN_OR_TOUCH).columns(id=Uuid)
"""The cart of a person, locked."""

_LINE = (
    bindparam("id", type_=Uuid),
    bindparam("variant_id", type_=Uuid),
    bindparam("quantity", type_=Integer),
    bindparam("unit_price_minor", type_=BigInteger),
    bindparam("currency", type_=String),
)


def _adding(cart: str, *given: str) -> TextClause:
    """Adds pieces where the limits allow it; `cart` writes the row of the cart and returns its id."""
    statement = text(
        f"""
    WITH cart AS ({cart}), found AS (
        SELECT cart.id AS cart_id,
               count(other.id) AS lines,
               coalesce(sum(other.quantity * other.unit_price_minor), 0) AS worth,
               count(other.id) FILTER (WHERE other.currency <> :currency) AS foreign_lines,
               (SELECT quantity FROM cart_item WHERE cart_id = cart.id AND variant_id = :variant_id) AS had
        FROM cart LEFT JOIN cart_item other ON other.cart_id = cart.id AND other.variant_id <> :variant_id
        GROUP BY cart.id
    ), line AS (
        INSERT INTO cart_item (id, cart_id, variant_id, quantity, unit_price_minor, currency)
        SELECT :id, cart_id, :variant_id, :quantity, :unit_price_minor, :currency
        FROM found WHERE lines < :max_lines AND foreign_lines = 0 AND :quantity <= :limit
          AND worth + (coalesce(had, 0) + :quantity) * CAST(:unit_price_minor AS numeric) <= :largest_minor
        ON CONFLICT (cart_id, variant_id) DO UPDATE
        SET quantity = cart_item.quantity + excluded.quantity, unit_price_minor = excluded.unit_price_minor,
            currency = excluded.currency, updated_at = now()
        WHERE cart_item.quantity + excluded.quantity <= :limit
        RETURNING id, quantity
    )
    SELECT line.id, line.quantity, coalesce(found.had, 0) AS had,
           found.lines, found.foreign_lines, found.worth
    FROM found LEFT JOIN line ON true
    """
    )
    return statement.bindparams(
        *_LINE,
        *(bindparam(name, type_=Uuid) for name in given),
        bindparam("limit", type_=Integer),
        bindparam("max_lines", type_=Integer),
        bindparam("largest_minor", type_=BigInteger),
    )


ADD = _adding(_OPEN_OR_TOUCH, "holder_id", "cart_id").columns(id=Uuid)
"""To a person's cart. A row without an `id` says that the limits did not allow it, and what was found."""

ADD_TO_GUESTS = _adding(f"{_TOUCH} WHERE holder_id = :holder_id RETURNING id", "holder_id").columns(id=Uuid)
"""The same to a guest's cart; no row means that there is no such cart."""

OPEN_GUESTS = (
    text(
        """
    WITH cart AS (
        INSERT INTO cart_cart (id, holder_id, is_guest, generation, version, look_at)
        VALUES (:cart_id, :holder_id, true, 1, 1, now()) RETURNING id
    )
    INSERT INTO cart_item (id, cart_id, variant_id, quantity, unit_price_minor, currency)
    SELECT :id, id, :variant_id, :quantity, :unit_price_minor, :currency FROM cart
    RETURNING id, quantity
    """
    )
    .bindparams(*_LINE, bindparam("cart_id", type_=Uuid), bindparam("holder_id", type_=Uuid))
    .columns(id=Uuid)
)
"""A guest's new cart with its first line, which is known to fit."""

SET_QUANTITY = text(
    f"""
    WITH cart AS (
        {_TOUCH}
        WHERE holder_id = :holder_id AND EXISTS (
            SELECT FROM cart_item WHERE cart_item.id = :id AND cart_item.cart_id = cart_cart.id
        )
        RETURNING id
    )
    UPDATE cart_item SET quantity = :quantity, updated_at = now()
    FROM cart WHERE cart_item.cart_id = cart.id AND cart_item.id = :id
    RETURNING cart_item.id, variant_id, quantity, unit_price_minor, currency,
              (SELECT coalesce(sum(other.quantity * other.unit_price_minor), 0) FROM cart_item other
               WHERE other.cart_id = cart_item.cart_id AND other.id <> cart_item.id) AS worth
    """
).columns(id=Uuid, variant_id=Uuid)

REMOVE = text(
    f"""
    WITH cart AS ({_TOUCH} WHERE holder_id = :holder_id RETURNING id)
    DELETE FROM cart_item USING cart WHERE cart_item.cart_id = cart.id AND cart_item.id = :id
    RETURNING cart_item.id
    """
).columns(id=Uuid)

CLEAR = text(
    f"""
    WITH cart AS ({_TOUCH} WHERE holder_id = :holder_id RETURNING id),
    gone AS (DELETE FROM cart_item USING cart WHERE cart_item.cart_id = cart.id)
    SELECT id FROM cart
    """
).columns(id=Uuid)
"""No row means that there is no such cart."""

LOCK_GUESTS = text("SELECT id FROM cart_cart WHERE holder_id = :holder_id AND is_guest FOR UPDATE").columns(
    id=Uuid
)

READ_BOTH = text(
    """
    SELECT cart_id, id, variant_id, quantity, unit_price_minor, currency FROM cart_item
    WHERE cart_id IN (:cart_id, :guest_cart_id) ORDER BY id
    """
).columns(cart_id=Uuid, id=Uuid, variant_id=Uuid)

TAKE_OVER = text(
    """
    UPDATE cart_item SET cart_id = :cart_id, quantity = given.quantity, updated_at = now(),
           unit_price_minor = given.unit_price_minor, currency = given.currency
    FROM unnest(:ids, :quantities, :prices, :currencies) AS given (id, quantity, unit_price_minor, currency)
    WHERE cart_item.id = given.id
    """
).bindparams(
    bindparam("cart_id", type_=Uuid),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("quantities", type_=ARRAY(Integer)),
    bindparam("prices", type_=ARRAY(BigInteger)),
    bindparam("currencies", type_=ARRAY(String)),
)
"""Gives these lines, of either cart, to one cart."""

DISCARD = text("DELETE FROM cart_cart WHERE id = :id").bindparams(bindparam("id", type_=Uuid))

FIND = text("SELECT id FROM cart_cart WHERE holder_id = :holder_id").columns(id=Uuid)
