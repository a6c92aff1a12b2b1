"""Suggestions while somebody types: categories and titles that begin with the text, then those like it."""

from typing import Any

from sqlalchemy import text

from nexus_kernel import Reader

MOST = 10
OF_CATEGORIES = 3
_HIGHEST = chr(0x10FFFF)

# What begins with the text lies between it and it with the highest character behind it. Titles that have its
# words elsewhere, typing errors forgiven, are looked for when too few begin with it.
_STATEMENT = text(f"""
    WITH typed AS MATERIALIZED (
        SELECT btrim(catalog_fold(:q)) AS low, btrim(catalog_fold(:q)) || :highest AS high,
            catalog_search_query(:q) AS query
    ),
    starting AS MATERIALIZED (
        SELECT DISTINCT ON (catalog_fold(title)) id, title, slug FROM catalog_product
        WHERE is_active AND (SELECT low <> '' FROM typed)
        AND catalog_fold(title) ~>=~ (SELECT low FROM typed)
        AND catalog_fold(title) ~<~ (SELECT high FROM typed)
        ORDER BY catalog_fold(title) USING ~<~ LIMIT {MOST}
    ),
    holding AS MATERIALIZED (
        SELECT id, title, slug FROM catalog_product
        WHERE is_active AND (SELECT count(*) < {MOST} FROM starting)
        AND (SELECT octet_length(low) > 2 FROM typed)
        AND to_tsvector('simple', catalog_fold(title)) @@ (SELECT query FROM typed) LIMIT 50
    ),
    alike AS MATERIALIZED (
        SELECT id, name, slug, 0 AS distance FROM catalog_category
        WHERE (SELECT low <> '' FROM typed) AND catalog_fold(name) ~>=~ (SELECT low FROM typed)
        AND catalog_fold(name) ~<~ (SELECT high FROM typed)
        UNION ALL
        SELECT id, name, slug, 1 FROM catalog_category
        WHERE (SELECT octet_length(low) > 2 FROM typed)
        AND catalog_spelling(catalog_fold(name)) %> (SELECT catalog_spelling(low) FROM typed)
    )
    SELECT kind, id, text, slug FROM (
        (SELECT 'category' AS kind, id, name AS text, slug, 0 AS place, min(distance) AS distance FROM alike
        GROUP BY id, name, slug ORDER BY min(distance), char_length(name), name, id LIMIT {OF_CATEGORIES})
        UNION ALL
        (SELECT DISTINCT ON (distance, char_length(title), title) 'product', id, title, slug, 1, distance
        FROM (
            SELECT id, title, slug, 0 AS distance FROM starting
            UNION ALL
            SELECT id, title, slug, 1 FROM holding WHERE id NOT IN (SELECT id FROM starting)
        ) AS either ORDER BY distance, char_length(title), title, id LIMIT {MOST})
    ) AS suggested ORDER BY place, distance, char_length(text), text, id LIMIT {MOST}
""")


def suggestions(session: Reader, typed: str) -> list[dict[str, Any]]:
    """At most ten categories and products on sale for what was typed. One query."""
    rows = session.execute(_STATEMENT, {"q": typed, "highest": _HIGHEST})
    return [{"kind": row.kind, "id": row.id, "text": row.text, "slug": row.slug} for row in rows]
