"""The cart's statements. Each change is one of them, and each writes the row of the cart first.

The row's lock orders the changes of one cart among themselves and against its checkout.
"""

from sqlalchemy import BigInteger, Integer, String, Uuid, bindparam, text

OPEN = text(
    """
    INSERT INTO cart_cart (id, user_id, generation, version) VALUES (:id, :user_id, 1, 1)
    ON CONFLICT (user_id) DO UPDATE SET updated_at = cart_cart.updated_at
    RETURNING id
    """
).columns(id=Uuid)

READ = text(
    """
    SELECT cart.id AS cart_id, item.id, item.variant_id, item.quantity, item.unit_price_minor, item.currency
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.user_id = :user_id ORDER BY item.id
    """
).columns(cart_id=Uuid, id=Uuid, variant_id=Uuid)

ADD = (
    text(
        """
    WITH cart AS (
        INSERT INTO cart_cart (id, user_id, generation, version) VALUES (:cart_id, :user_id, 1, 1)
        ON CONFLICT (user_id) DO UPDATE SET version = cart_cart.version + 1, updated_at = now()
        RETURNING id
    ), found AS (
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
    .bindparams(
        bindparam("cart_id", type_=Uuid),
        bindparam("user_id", type_=Uuid),
        bindparam("id", type_=Uuid),
        bindparam("variant_id", type_=Uuid),
        bindparam("quantity", type_=Integer),
        bindparam("limit", type_=Integer),
        bindparam("max_lines", type_=Integer),
        bindparam("unit_price_minor", type_=BigInteger),
        bindparam("largest_minor", type_=BigInteger),
        bindparam("currency", type_=String),
    )
    .columns(id=Uuid)
)
"""Adds pieces where the limits allow it. A row without an `id` says that they did not, and what was found."""

SET_QUANTITY = text(
    """
    WITH cart AS (
        UPDATE cart_cart SET version = version + 1, updated_at = now()
        WHERE user_id = :user_id AND EXISTS (
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
    """
    WITH cart AS (
        UPDATE cart_cart SET version = version + 1, updated_at = now() WHERE user_id = :user_id RETURNING id
    )
    DELETE FROM cart_item USING cart WHERE cart_item.cart_id = cart.id AND cart_item.id = :id
    RETURNING cart_item.id
    """
).columns(id=Uuid)

CLEAR = text(
    """
    WITH cart AS (
        UPDATE cart_cart SET version = version + 1, updated_at = now() WHERE user_id = :user_id RETURNING id
    )
    DELETE FROM cart_item USING cart WHERE cart_item.cart_id = cart.id
    """
)

LOOK = text(
    """
    SELECT cart.id, cart.generation, item.variant_id, item.quantity
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.user_id = :user_id ORDER BY item.id
    """
).columns(id=Uuid, variant_id=Uuid)

LOCK = text(
    """
    SELECT cart.id, cart.generation, cart.version, item.variant_id, item.quantity,
           (SELECT version FROM cart_cart WHERE user_id = :user_id) AS seen_version
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.user_id = :user_id ORDER BY item.id
    FOR UPDATE OF cart
    """
).columns(id=Uuid, variant_id=Uuid)
"""`version` is read under the lock, `seen_version` and the lines as they were when the statement began."""

EMPTY = text(
    """
    WITH gone AS (DELETE FROM cart_item WHERE cart_id = :cart_id)
    UPDATE cart_cart SET generation = generation + 1, version = version + 1, updated_at = now()
    WHERE id = :cart_id AND generation = :generation
    """
)
