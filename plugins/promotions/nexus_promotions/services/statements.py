"""The statements that count uses: each decides on locked rows and writes them at once.

Coupons are locked in the order of their ids. New figures are made from the locked row alone: the row that the
statement saw as it began may be older, and PostgreSQL tries the CHECK on it before it looks again.
"""

from sqlalchemy import ARRAY, DateTime, Integer, String, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

LOCK = text("""
    WITH coupons AS MATERIALIZED (
        SELECT id FROM promotions_coupon WHERE id = ANY(:coupon_ids) ORDER BY id FOR NO KEY UPDATE
    ), persons AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
        FROM unnest(:keys) AS key WHERE (SELECT count(*) FROM coupons) >= 0
    )
    SELECT count(*) FROM persons
""").bindparams(bindparam("coupon_ids", type_=ARRAY(Uuid)), bindparam("keys", type_=ARRAY(String)))
"""Locks coupons with a total limit for everybody, and those with a limit a person for that person alone.

It comes before TAKE and apart from it, for a statement sees what was committed when it began.
"""

TAKE = text("""
    WITH wanted AS (
        SELECT * FROM jsonb_to_recordset(:wanted)
            AS w(id uuid, coupon_id uuid, amount_minor bigint, version timestamptz)
    ), locked AS MATERIALIZED (
        SELECT id, uses, usage_limit, usage_limit_per_person, updated_at
        FROM promotions_coupon WHERE id IN (SELECT coupon_id FROM wanted) ORDER BY id FOR KEY SHARE
    ), verdict AS MATERIALIZED (
        SELECT w.id, w.coupon_id, w.amount_minor, l.uses, l.usage_limit, CASE
            WHEN l.id IS NULL OR l.updated_at <> w.version THEN 'changed'
            WHEN l.uses >= l.usage_limit THEN 'used_up'
            WHEN l.usage_limit_per_person IS NOT NULL AND l.usage_limit_per_person <= (
                SELECT count(*) FROM promotions_redemption r
                WHERE r.coupon_id = l.id AND r.user_id = :user_id AND r.state = 'taken'
            ) THEN 'used_by_person' END AS refusal
        FROM wanted w LEFT JOIN locked l ON l.id = w.coupon_id
    ), taken AS (
        INSERT INTO promotions_redemption
            (id, coupon_id, order_id, user_id, amount_minor, currency, state, at)
        SELECT id, coupon_id, :order_id, :user_id, amount_minor, :currency, 'taken', :at
        FROM verdict WHERE refusal IS NULL
    ), counted AS (
        UPDATE promotions_coupon c SET uses = v.uses + 1
        FROM verdict v WHERE c.id = v.coupon_id AND v.refusal IS NULL AND v.usage_limit IS NOT NULL
    )
    SELECT coupon_id, refusal FROM verdict WHERE refusal IS NOT NULL
""").bindparams(
    bindparam("wanted", type_=JSONB),
    bindparam("user_id", type_=Uuid),
    bindparam("order_id", type_=Uuid),
    bindparam("currency", type_=String),
    bindparam("at", type_=DateTime(timezone=True)),
)
"""Writes the redemptions of an order, and returns those coupons that could not be taken, with the reason."""

SETTLE = text("""
    WITH mine AS MATERIALIZED (
        SELECT id, coupon_id, state FROM promotions_redemption
        WHERE order_id = :order_id AND (settled_by IS NULL OR settled_by < :event_id)
        ORDER BY coupon_id FOR NO KEY UPDATE
    ), settled AS (
        UPDATE promotions_redemption r SET state = :state, settled_by = :event_id
        FROM mine WHERE r.id = mine.id
    ), locked AS MATERIALIZED (
        SELECT id, uses, usage_limit FROM promotions_coupon
        WHERE id IN (SELECT coupon_id FROM mine WHERE state <> :state) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE promotions_coupon c SET uses = l.uses + :by
    FROM locked l WHERE c.id = l.id AND l.usage_limit IS NOT NULL
""").bindparams(
    bindparam("order_id", type_=Uuid),
    bindparam("event_id", type_=Uuid),
    bindparam("state", type_=String),
    bindparam("by", type_=Integer),
)
"""Returns the uses of an order, or takes them again, unless a newer event has decided already."""
