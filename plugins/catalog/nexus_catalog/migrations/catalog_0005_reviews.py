"""Reviews, purchases, and triggers that keep the products' ratings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0005"
down_revision = "catalog_0004"
branch_labels = None
depends_on = None

# What a statement adds to and takes from the published reviews, by the kind of the statement.
CHANGES = {
    "insert": "SELECT product_id, rating, state, 1 AS n FROM new_rows",
    "delete": "SELECT product_id, rating, state, -1 AS n FROM old_rows",
    "update": "SELECT product_id, rating, state, 1 AS n FROM new_rows "
    "UNION ALL SELECT product_id, rating, state, -1 AS n FROM old_rows",
}
ROWS = {
    "insert": "NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}
STARS = ", ".join(f"coalesce(sum(n) FILTER (WHERE rating = {s}), 0) AS star_{s}" for s in range(1, 6))
ADDED = ", ".join(f"p.rating_stars[{s}] + d.star_{s}" for s in range(1, 6))
# A statement locks all its products in the order of their ids and then adds its differences, so two of them
# wait for one another and never deadlock. A statement that changes no rating locks nothing.
KEEP_RATINGS = """
    CREATE FUNCTION catalog_keep_ratings_on_{kind}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        WITH per_star AS (
            SELECT product_id, rating, sum(n) AS n FROM ({changes}) changes
            WHERE state = 'published' GROUP BY product_id, rating HAVING sum(n) <> 0
        ), difference AS (
            SELECT product_id, sum(n) AS n, sum(n * rating) AS points, {stars}
            FROM per_star GROUP BY product_id
        ), locked AS MATERIALIZED (
            SELECT id FROM catalog_product WHERE id IN (SELECT product_id FROM difference)
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE catalog_product p
        SET rating_count = p.rating_count + d.n, rating_sum = p.rating_sum + d.points,
            rating_stars = ARRAY[{added}]::integer[]
        FROM difference d JOIN locked l ON l.id = d.product_id
        WHERE p.id = d.product_id;
        RETURN NULL;
    END $$
"""
TRIGGER = """
    CREATE TRIGGER catalog_keep_ratings_on_{kind} AFTER {kind} ON catalog_review REFERENCING {rows}
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_keep_ratings_on_{kind}()
"""


def upgrade() -> None:
    stars = sa.Column(
        "rating_stars", postgresql.ARRAY(sa.Integer()), server_default="{0,0,0,0,0}", nullable=False
    )
    op.add_column("catalog_product", stars)
    op.create_check_constraint(
        "ck_catalog_product_five_stars", "catalog_product", "cardinality(rating_stars) = 5"
    )
    op.create_table(
        "catalog_review",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid()),
        sa.Column("author_name", sa.String(length=301), server_default="", nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column("is_verified_purchase", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("moderation_reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("moderated_by", sa.Uuid()),
        sa.Column("moderated_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_review"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog_product.id"], name="fk_catalog_review_product_id", ondelete="RESTRICT"
        ),
        sa.UniqueConstraint("product_id", "author_id", name="uq_catalog_review_product_id_author_id"),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="ck_catalog_review_rating_range"),
        sa.CheckConstraint(
            "state IN ('pending', 'published', 'hidden')", name="ck_catalog_review_state_known"
        ),
    )
    published = sa.text("state = 'published'")
    verified = sa.text("state = 'published' AND is_verified_purchase")
    newest, by_rating = ["created_at", "id"], ["product_id", "rating", "created_at", "id"]
    for name, columns, where in (
        ("newest", ["product_id", "state", *newest], None),
        ("rating", by_rating, published),
        ("verified", ["product_id", *newest], verified),
        ("state", ["state", *newest], None),
        ("all", newest, None),
        ("author", ["author_id"], sa.text("author_id IS NOT NULL")),
    ):
        op.create_index(f"ix_catalog_review_{name}", "catalog_review", columns, postgresql_where=where)
    op.create_table(
        "catalog_purchase",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "product_id", name="pk_catalog_purchase"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog_product.id"], name="fk_catalog_purchase_product_id", ondelete="RESTRICT"
        ),
    )
    op.create_index("ix_catalog_purchase_product_id", "catalog_purchase", ["product_id"])
    for kind in CHANGES:
        op.execute(KEEP_RATINGS.format(kind=kind, changes=CHANGES[kind], stars=STARS, added=ADDED))
        op.execute(TRIGGER.format(kind=kind, rows=ROWS[kind]))


def downgrade() -> None:
    op.drop_table("catalog_purchase")
    op.drop_table("catalog_review")
    for kind in CHANGES:
        op.execute(f"DROP FUNCTION catalog_keep_ratings_on_{kind}()")
    op.drop_column("catalog_product", "rating_stars")
