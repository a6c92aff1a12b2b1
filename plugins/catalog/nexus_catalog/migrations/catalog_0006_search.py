"""Products are found in a table of their own: what lists filter, sort and search by, kept by triggers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "catalog_0006"
down_revision = "catalog_0005"
branch_labels = None
depends_on = None

# Letters that Amharic writes in several ways and speaks in one, and what they become here.
_HOMOPHONES = {
    "ሐሑሒሓሔሕሖ": "ሀሁሂሀሄህሆ",
    "ኀኁኂኃኄኅኆ": "ሀሁሂሀሄህሆ",
    "ኸኹኺኻኼኽኾ": "ሀሁሂሀሄህሆ",
    "ሃ": "\u1200",
    "ሠሡሢሣሤሥሦሧ": "ሰሱሲሳሴስሶሷ",
    "ዐዑዒዓዔዕዖ": "አኡኢአኤእኦ",
    "ኣ": "አ",
    "ፀፁፂፃፄፅፆ": "ጸጹጺጻጼጽጾ",
}
_BLANKS = '!"#$%&()*+,-./:;<=>?@[\\]^_{|}~\u00ab\u00b7\u00bb\u1361\u1362\u1363\u1364\u1365\u1366\u1367\u1368'
_BLANKS += "".join(map(chr, (*range(0x2010, 0x2016), 0x201C, 0x201D, 0x201E, 0x2026)))
_APOSTROPHES = "'\u0060\u00b4\u02bc\u2018\u2019"
_LETTERS, _SAME = "".join(_HOMOPHONES), "".join(_HOMOPHONES.values())
_MARKS = "[\\u0300-\\u036f\\u0591-\\u05c7\\u064b-\\u0652\\u0670\\u135d-\\u135f]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# Case, accents, vowel points, homophones and apostrophes make no difference; other punctuation parts words.
FOLD = f"""
    CREATE FUNCTION catalog_fold(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT translate(
            lower(regexp_replace(normalize(content, NFKD), '{_MARKS}', '', 'g')),
            {_quoted(_LETTERS + _BLANKS + _APOSTROPHES)},
            {_quoted(_SAME + " " * len(_BLANKS))})
    $$
"""
# pg_trgm sees no letters outside of ASCII in a database whose locale is C. For it a character is written in
# ASCII: an Ethiopic one as its consonant and its vowel, another one as two digits of its number.
SPELLING = """
    CREATE FUNCTION catalog_spelling(word text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT string_agg(CASE
            WHEN ascii(letter) < 128 THEN letter
            WHEN ascii(letter) BETWEEN 4608 AND 4991
            THEN substr(digits, (ascii(letter) - 4608) / 8 % 36 + 1, 1) || ascii(letter) % 8
            ELSE substr(digits, ascii(letter) / 36 % 36 + 1, 1) || substr(digits, ascii(letter) % 36 + 1, 1)
            END, '' ORDER BY place)
        FROM (VALUES ('0123456789abcdefghijklmnopqrstuvwxyz')) AS base (digits),
            regexp_split_to_table(word, '') WITH ORDINALITY AS spelled (letter, place)
    $$
"""
# A word that nothing here begins with stands for the words most like it; eight words are looked at.
QUERY = """
    CREATE FUNCTION catalog_search_query(content text) RETURNS tsquery
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET pg_trgm.similarity_threshold = 0.3 AS $$
    DECLARE
        part text;
        terms text[] := '{}';
    BEGIN
        FOR part IN
            SELECT piece FROM regexp_split_to_table(catalog_fold(content), '\\s+') AS piece
            WHERE piece <> '' LIMIT 8
        LOOP
            terms := terms || catalog_search_term(part);
        END LOOP;
        IF terms = '{}' THEN
            RETURN NULL;
        END IF;
        RETURN to_tsquery('simple', array_to_string(terms, ' & '));
    END $$
"""
# The words that begin with a part are named, if they are few: an index finds words faster than beginnings. Of
# typing errors two letters that changed places are tried first, for they leave short words little in common.
TERM = """
    CREATE FUNCTION catalog_search_term(part text) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    DECLARE
        spelled text := catalog_spelling(part);
        words text[];
    BEGIN
        IF char_length(part) = 1 THEN
            RETURN quote_literal(part);
        ELSIF char_length(part) < 3 OR char_length(part) > 40 OR part ~ '^[0-9]+$' THEN
            RETURN quote_literal(part) || ':*';
        END IF;
        words := ARRAY(
            SELECT DISTINCT word FROM catalog_word WHERE word >= part AND word < part || chr(1114111) LIMIT 13
        );
        IF cardinality(words) > 12 THEN
            RETURN quote_literal(part) || ':*';
        ELSIF words = '{}' THEN
            words := ARRAY(
                SELECT DISTINCT word FROM catalog_word WHERE word = ANY(ARRAY(
                    SELECT overlay(part PLACING reverse(substr(part, place, 2)) FROM place)
                    FROM generate_series(1, char_length(part) - 1) AS place
                ))
            );
            IF words <> '{}' THEN
                RETURN (
                    SELECT '(' || string_agg(quote_literal(word) || ':*', ' | ') || ')'
                    FROM unnest(words) AS word
                );
            END IF;
            words := part || ARRAY(
                SELECT word FROM catalog_word WHERE spelling % spelled
                GROUP BY word, spelling ORDER BY similarity(spelling, spelled) DESC, word LIMIT 4
            );
        END IF;
        RETURN '(' || (SELECT string_agg(quote_literal(word), ' | ') FROM unnest(words) AS word) || ')';
    END $$
"""
# Writers of a product take turns here, in the order of the ids.
REFRESH = """
    CREATE FUNCTION catalog_listing_refresh(product_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM catalog_product WHERE id = ANY(product_ids) ORDER BY id FOR NO KEY UPDATE;
        DELETE FROM catalog_listing AS listing WHERE product_id = ANY(product_ids) AND NOT EXISTS (
            SELECT FROM catalog_product AS p JOIN catalog_variant AS v ON v.product_id = p.id AND v.is_default
            WHERE p.id = listing.product_id AND p.is_active
        );
        WITH stored AS (
            INSERT INTO catalog_listing AS listing (product_id, variant_id, category_id, seller_id,
                price_minor, currency, rating_average, created_at, updated_at, search)
            SELECT p.id, v.id, p.category_id, p.seller_id, v.price_minor, v.currency, p.rating_average,
                p.created_at, p.updated_at,
                setweight(to_tsvector('simple', catalog_fold(skus.list)), 'A')
                || setweight(to_tsvector('simple', catalog_fold(p.title)), 'B')
                || setweight(to_tsvector('simple', catalog_fold(p.description)), 'D')
            FROM catalog_product AS p JOIN catalog_variant AS v ON v.product_id = p.id AND v.is_default
            CROSS JOIN LATERAL (
                SELECT string_agg(sku, ' ' ORDER BY sku) AS list FROM catalog_variant
                WHERE product_id = p.id AND is_active
            ) AS skus
            WHERE p.id = ANY(product_ids) AND p.is_active
            ORDER BY p.id
            ON CONFLICT (product_id) DO UPDATE SET
                variant_id = excluded.variant_id, category_id = excluded.category_id,
                seller_id = excluded.seller_id, price_minor = excluded.price_minor,
                currency = excluded.currency, rating_average = excluded.rating_average,
                created_at = excluded.created_at, updated_at = excluded.updated_at, search = excluded.search
            RETURNING search
        )
        INSERT INTO catalog_word (word)
        SELECT DISTINCT lexeme FROM stored, unnest(tsvector_to_array(stored.search)) AS lexeme
        WHERE char_length(lexeme) BETWEEN 2 AND 40 AND lexeme !~ '^[0-9]+$'
            AND NOT EXISTS (SELECT FROM catalog_word WHERE word = lexeme);
    END $$
"""
PRODUCT_CHANGED = """
    CREATE FUNCTION catalog_product_listed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        product_ids uuid[];
    BEGIN
        SELECT array_agg(n.id) INTO product_ids FROM new_rows AS n JOIN old_rows AS o USING (id)
        WHERE (n.title, n.description, n.is_active) IS DISTINCT FROM (o.title, o.description, o.is_active);
        IF product_ids IS NOT NULL THEN
            PERFORM catalog_listing_refresh(product_ids);
        END IF;
        UPDATE catalog_listing AS listing SET category_id = n.category_id, seller_id = n.seller_id,
            rating_average = n.rating_average, created_at = n.created_at, updated_at = n.updated_at
        FROM (SELECT * FROM new_rows ORDER BY id) AS n
        WHERE listing.product_id = n.id AND (listing.category_id, listing.seller_id, listing.rating_average,
            listing.created_at, listing.updated_at) IS DISTINCT FROM
            (n.category_id, n.seller_id, n.rating_average, n.created_at, n.updated_at);
        RETURN NULL;
    END $$
"""
PRODUCT_TRIGGER = """
    CREATE TRIGGER catalog_product_listed AFTER UPDATE ON catalog_product
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_product_listed()
"""
VARIANTS_CHANGED = """
    CREATE FUNCTION catalog_variant_listed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        product_ids uuid[];
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            SELECT array_agg(DISTINCT changed.product_id) INTO product_ids
            FROM new_rows AS n JOIN old_rows AS o USING (id)
            CROSS JOIN LATERAL (VALUES (n.product_id), (o.product_id)) AS changed (product_id)
            WHERE (n.product_id, n.sku, n.is_default, n.is_active)
                IS DISTINCT FROM (o.product_id, o.sku, o.is_default, o.is_active)
            OR (n.is_default AND (n.price_minor, n.currency) IS DISTINCT FROM (o.price_minor, o.currency));
        ELSE
            SELECT array_agg(DISTINCT product_id) INTO product_ids FROM changed_rows;
        END IF;
        IF product_ids IS NOT NULL THEN
            PERFORM catalog_listing_refresh(product_ids);
        END IF;
        RETURN NULL;
    END $$
"""
VARIANT_TRIGGERS = tuple(
    f"CREATE TRIGGER catalog_variant_listed_{event.lower()} AFTER {event} ON catalog_variant "
    f"REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION catalog_variant_listed()"
    for event, rows in (
        ("INSERT", "NEW TABLE AS changed_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS changed_rows"),
    )
)
TABLES = (
    """
    CREATE TABLE catalog_listing (
        product_id uuid NOT NULL, variant_id uuid NOT NULL, category_id uuid, seller_id uuid,
        price_minor bigint NOT NULL, currency varchar(3) NOT NULL, rating_average numeric(3, 2) NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, search tsvector NOT NULL,
        CONSTRAINT pk_catalog_listing PRIMARY KEY (product_id),
        CONSTRAINT fk_catalog_listing_product_id FOREIGN KEY (product_id)
            REFERENCES catalog_product (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX ix_catalog_listing_newest ON catalog_listing (created_at DESC, product_id DESC) "
    "INCLUDE (category_id, seller_id, price_minor, currency, rating_average, variant_id)",
    *(
        f"CREATE INDEX ix_catalog_listing_{name} ON catalog_listing ({columns})"
        for name, columns in (
            ("category_newest", "category_id, created_at DESC, product_id DESC"),
            ("seller_newest", "seller_id, created_at DESC, product_id DESC"),
            ("price", "price_minor, product_id"),
            ("rating", "rating_average, product_id"),
            ("updated", "updated_at, product_id"),
        )
    ),
    "CREATE INDEX ix_catalog_listing_search ON catalog_listing USING gin (search) WITH (fastupdate = off)",
    "CREATE STATISTICS catalog_stock_available ON (on_hand - reserved) FROM catalog_stock",
    """
    CREATE TABLE catalog_word (
        id bigint GENERATED ALWAYS AS IDENTITY, word text COLLATE "C" NOT NULL,
        spelling text GENERATED ALWAYS AS (catalog_spelling(word)) STORED NOT NULL,
        CONSTRAINT pk_catalog_word PRIMARY KEY (id)
    )""",
    "CREATE INDEX ix_catalog_word_word ON catalog_word (word)",
    "CREATE INDEX ix_catalog_word_trgm ON catalog_word USING gin (spelling gin_trgm_ops)",
)
INDEXES = (
    "CREATE INDEX ix_catalog_product_title_prefix ON catalog_product (catalog_fold(title) text_pattern_ops) "
    "WHERE is_active",
    "CREATE INDEX ix_catalog_product_title_words ON catalog_product "
    "USING gin (to_tsvector('simple'::regconfig, catalog_fold(title))) WITH (fastupdate = off)",
    "CREATE INDEX ix_catalog_category_name_prefix ON catalog_category (catalog_fold(name) text_pattern_ops)",
    "CREATE INDEX ix_catalog_category_name_trgm ON catalog_category "
    "USING gin (catalog_spelling(catalog_fold(name)) gin_trgm_ops)",
)
OLD_SEARCH = (
    "setweight(to_tsvector('simple'::regconfig, (title)::text), 'A'::\"char\") || "
    "setweight(to_tsvector('simple'::regconfig, description), 'B'::\"char\")"
)
OLD_SIMILAR = """
    CREATE FUNCTION catalog_similar_products(query text) RETURNS SETOF uuid
    LANGUAGE sql STABLE ROWS 20 SET pg_trgm.word_similarity_threshold = 0.45
    AS 'SELECT id FROM catalog_product WHERE is_active AND query <% title'
"""


def upgrade() -> None:
    op.execute("DROP FUNCTION catalog_similar_products(text)")
    for name in ("search", "title_trgm", "newest", "updated"):
        op.drop_index(f"ix_catalog_product_{name}", "catalog_product")
    op.drop_column("catalog_product", "search")
    functions = (TERM, QUERY, REFRESH, PRODUCT_CHANGED, VARIANTS_CHANGED)
    for statement in (FOLD, SPELLING, *TABLES, *INDEXES, *functions, PRODUCT_TRIGGER, *VARIANT_TRIGGERS):
        op.execute(statement)
    op.execute("SELECT catalog_listing_refresh(array_agg(id)) FROM catalog_product")


def downgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER catalog_variant_listed_{event} ON catalog_variant")
    op.execute("DROP TRIGGER catalog_product_listed ON catalog_product")
    for function in ("variant_listed()", "product_listed()", "listing_refresh(uuid[])"):
        op.execute(f"DROP FUNCTION catalog_{function}")
    for function in ("search_query(text)", "search_term(text)"):
        op.execute(f"DROP FUNCTION catalog_{function}")
    op.execute("DROP STATISTICS catalog_stock_available")
    op.drop_table("catalog_word")
    op.drop_table("catalog_listing")
    for index in (
        "product_title_prefix",
        "product_title_words",
        "category_name_prefix",
        "category_name_trgm",
    ):
        op.execute(f"DROP INDEX ix_catalog_{index}")
    op.execute("DROP FUNCTION catalog_spelling(text)")
    op.execute("DROP FUNCTION catalog_fold(text)")
    op.add_column("catalog_product", sa.Column("search", TSVECTOR(), sa.Computed(OLD_SEARCH, persisted=True)))
    for name, columns in (
        ("newest", "(created_at DESC, id DESC) WHERE is_active"),
        ("updated", "(updated_at, id) WHERE is_active"),
        ("search", "USING gin (search) WITH (fastupdate = off)"),
        ("title_trgm", "USING gin (title gin_trgm_ops) WITH (fastupdate = off)"),
    ):
        op.execute(f"CREATE INDEX ix_catalog_product_{name} ON catalog_product {columns}")
    op.execute(OLD_SIMILAR)
