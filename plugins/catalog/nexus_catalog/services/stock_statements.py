"""The statements of the stock: each decides on locked rows, writes them and notes the ledger at once.

New figures are made from the locked row alone: the row that the statement saw as it began may be older, and
PostgreSQL tries the CHECK on it before it looks again.

Where the available pieces of a variant on sale fall to its low mark, the statement says so in its column
`low`, which costs nothing when they do not. Rows are locked, so of statements at once one sees the fall.
"""

from sqlalchemy import ARRAY, BigInteger, Integer, String, Uuid, bindparam, text


def low(before: str, after: str, mark: str, variant_id: str) -> str:
    """SQL: what `catalog.stock_low` tells, or NULL where the pieces did not fall to the mark just now."""
    return f"""
        CASE WHEN {before} > {mark} AND {after} <= {mark} THEN (
            SELECT jsonb_build_object(
                'product_id', p.id, 'variant_id', v.id, 'seller_id', p.seller_id, 'title', p.title,
                'sku', v.sku, 'available', {after}, 'threshold', {mark})
            FROM catalog_variant v JOIN catalog_product p ON p.id = v.product_id
            WHERE v.id = {variant_id} AND v.is_active AND p.is_active
        ) END AS low"""


LINES = (bindparam("ids", type_=ARRAY(Uuid)), bindparam("quantities", type_=ARRAY(BigInteger)))
ACTOR, REFERENCE = bindparam("actor", type_=Uuid), bindparam("reference", type_=String)
REASON = bindparam("reason", type_=String)

RESERVE = text(f"""
    WITH wanted AS (
        SELECT * FROM unnest(:ids, :quantities) AS line (variant_id, quantity)
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, s.low_stock_threshold AS mark
        FROM catalog_stock s WHERE s.variant_id = ANY(:ids)
        ORDER BY s.variant_id FOR UPDATE
    ), line AS MATERIALIZED (
        SELECT w.variant_id, w.quantity, coalesce(l.on_hand - l.reserved, 0) AS available,
               l.on_hand, l.reserved, l.mark
        FROM wanted w LEFT JOIN locked l USING (variant_id)
    ), held AS (
        INSERT INTO catalog_stock_reservation (reference, variant_id, quantity)
        SELECT :reference, variant_id, quantity FROM line
        WHERE (SELECT bool_and(quantity <= available) FROM line)
          AND NOT EXISTS (SELECT FROM catalog_stock_reservation WHERE reference = :reference)
        ON CONFLICT DO NOTHING
        RETURNING variant_id, quantity
    ), counted AS (
        UPDATE catalog_stock s SET on_hand = l.on_hand, reserved = l.reserved + h.quantity
        FROM held h JOIN line l USING (variant_id) WHERE s.variant_id = h.variant_id
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
        SELECT variant_id, 0, quantity, 'reserve', :reference, :actor FROM held
    )
    SELECT line.variant_id, line.quantity, line.available, h.variant_id IS NOT NULL AS is_held,
        {low("line.available", "line.available - h.quantity", "line.mark", "line.variant_id")}
    FROM line LEFT JOIN held h USING (variant_id) ORDER BY line.variant_id
""").bindparams(*LINES, ACTOR, REFERENCE)

_END = """
    WITH claimed AS MATERIALIZED (
        SELECT variant_id FROM catalog_stock_reservation WHERE reference = :reference
        ORDER BY variant_id FOR UPDATE
    ), gone AS (
        DELETE FROM catalog_stock_reservation r USING claimed c
        WHERE r.reference = :reference AND r.variant_id = c.variant_id
        RETURNING r.variant_id, r.quantity
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, g.quantity
        FROM catalog_stock s JOIN gone g USING (variant_id)
        ORDER BY s.variant_id FOR UPDATE OF s
    ), counted AS (
        UPDATE catalog_stock s
        SET reserved = l.reserved - l.quantity, on_hand = l.on_hand - l.quantity * {shipped}
        FROM locked l WHERE s.variant_id = l.variant_id
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
        SELECT variant_id, -quantity * {shipped}, -quantity, '{reason}', :reference, :actor FROM locked
    )
    SELECT variant_id FROM gone
"""
RELEASE = text(_END.format(shipped=0, reason="release")).bindparams(ACTOR, REFERENCE)
SHIP = text(_END.format(shipped=1, reason="ship")).bindparams(ACTOR, REFERENCE)

SHIP_SOME = text("""
    WITH wanted AS (
        SELECT * FROM unnest(:ids, :quantities) AS line (variant_id, quantity)
    ), claimed AS MATERIALIZED (
        SELECT variant_id, quantity FROM catalog_stock_reservation
        WHERE reference = :reference AND variant_id = ANY(:ids)
        ORDER BY variant_id FOR UPDATE
    ), line AS MATERIALIZED (
        SELECT w.variant_id, w.quantity, c.quantity AS held
        FROM wanted w LEFT JOIN claimed c USING (variant_id)
    ), taken AS MATERIALIZED (
        SELECT variant_id, quantity, held FROM line
        WHERE (SELECT bool_and(held IS NOT NULL AND quantity <= held) FROM line)
    ), gone AS (
        DELETE FROM catalog_stock_reservation r USING taken t
        WHERE r.reference = :reference AND r.variant_id = t.variant_id AND t.quantity = t.held
    ), kept AS (
        UPDATE catalog_stock_reservation r SET quantity = t.held - t.quantity FROM taken t
        WHERE r.reference = :reference AND r.variant_id = t.variant_id AND t.quantity < t.held
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, t.quantity
        FROM catalog_stock s JOIN taken t USING (variant_id)
        ORDER BY s.variant_id FOR UPDATE OF s
    ), counted AS (
        UPDATE catalog_stock s SET reserved = l.reserved - l.quantity, on_hand = l.on_hand - l.quantity
        FROM locked l WHERE s.variant_id = l.variant_id
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
        SELECT variant_id, -quantity, -quantity, 'ship', :reference, :actor FROM locked
    )
    SELECT variant_id FROM taken
""").bindparams(*LINES, ACTOR, REFERENCE)
"""Ship some of what is held for a reference: all of these pieces or, when no row comes back, none."""

OPEN = text("""
    WITH opened AS (
        INSERT INTO catalog_stock (variant_id, on_hand, low_stock_threshold)
        SELECT *, :mark FROM unnest(:ids, :quantities) RETURNING variant_id, on_hand
    )
    INSERT INTO catalog_stock_movement (variant_id, delta_on_hand, delta_reserved, reason, actor_id)
    SELECT variant_id, on_hand, 0, :reason, :actor FROM opened WHERE on_hand > 0
""").bindparams(*LINES, ACTOR, REASON, bindparam("mark", type_=Integer))

SET_AVAILABLE = text(f"""
    WITH wanted AS (
        SELECT * FROM unnest(:ids, :quantities) AS line (variant_id, quantity)
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, w.quantity - (s.on_hand - s.reserved) AS delta,
               s.on_hand - s.reserved AS before, w.quantity AS after, s.low_stock_threshold AS mark
        FROM catalog_stock s JOIN wanted w USING (variant_id)
        ORDER BY s.variant_id FOR UPDATE OF s
    ), counted AS (
        UPDATE catalog_stock s SET on_hand = l.on_hand + l.delta, reserved = l.reserved
        FROM locked l WHERE s.variant_id = l.variant_id AND l.delta <> 0
    ), noted AS (
        INSERT INTO catalog_stock_movement (variant_id, delta_on_hand, delta_reserved, reason, actor_id)
        SELECT variant_id, delta, 0, :reason, :actor FROM locked WHERE delta <> 0
    )
    SELECT variant_id, {low("before", "after", "mark", "locked.variant_id")} FROM locked WHERE delta <> 0
""").bindparams(*LINES, ACTOR, REASON)

ADJUST = text(f"""
    WITH locked AS MATERIALIZED (
        SELECT variant_id, on_hand, reserved, low_stock_threshold AS mark,
               coalesce(:count, on_hand + :delta) AS wanted
        FROM catalog_stock WHERE variant_id = :variant_id FOR UPDATE
    ), counted AS (
        UPDATE catalog_stock s SET on_hand = l.wanted, reserved = l.reserved
        FROM locked l WHERE s.variant_id = l.variant_id AND l.wanted BETWEEN l.reserved AND :largest
        RETURNING s.variant_id, s.on_hand
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, note, actor_id)
        SELECT variant_id, c.on_hand - l.on_hand, 0, :reason, :reference, :note, :actor
        FROM counted c JOIN locked l USING (variant_id) WHERE c.on_hand <> l.on_hand
        RETURNING id, variant_id, delta_on_hand, delta_reserved, reason, reference, note, actor_id, created_at
    )
    SELECT l.on_hand, l.reserved, l.wanted, l.mark, c.variant_id IS NOT NULL AS is_counted, n.*,
        {low("l.on_hand - l.reserved", "c.on_hand - l.reserved", "l.mark", "l.variant_id")}
    FROM locked l LEFT JOIN counted c USING (variant_id) LEFT JOIN noted n USING (variant_id)
""").bindparams(
    ACTOR,
    REASON,
    REFERENCE,
    bindparam("variant_id", type_=Uuid),
    bindparam("count", type_=BigInteger),
    bindparam("delta", type_=BigInteger),
    bindparam("largest", type_=BigInteger),
    bindparam("note", type_=String),
)
"""Count the pieces on hand anew, or add to them; with `is_counted` false nothing was written."""
