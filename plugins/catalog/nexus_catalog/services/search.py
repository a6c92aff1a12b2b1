"""Free text: whole words and beginnings of words by full text; where that finds nothing, similar words.

Full text uses the generated column `search`, in which the title weighs more than the description. Typing
errors are found by pg_trgm, in the title.
"""

from sqlalchemy import (
    ColumnElement,
    Integer,
    cast,
    false,
    func,
    intersect,
    literal,
    literal_column,
    select,
    union_all,
)

from nexus_catalog.models import Product
from nexus_catalog.services.slugs import words

MOST_WORDS = 10
"""Further words of a query are not looked at."""


def matching(query: str) -> ColumnElement[bool]:
    """The condition that a product matches `query`: by full text or, if none does, by similarity."""
    if not _words(query):
        return false()
    exact = select(Product.id).where(Product.is_active, Product.search.op("@@")(_tsquery(query))).cte("exact")
    similar = intersect(*(select(func.catalog_similar_products(word).label("id")) for word in _words(query)))
    fallback = select(similar.subquery().c.id).where(~select(exact.c.id).exists())
    return Product.id.in_(union_all(select(exact.c.id), fallback))


def relevance(query: str) -> ColumnElement[int]:
    """How well a product matches, as an integer, so that a cursor holds it exactly."""
    rank = func.coalesce(func.ts_rank(Product.search, _tsquery(query)), 0) * 1_000_000
    return cast(rank + func.word_similarity(_plain(query), Product.title) * 1000, Integer)


def _tsquery(query: str) -> ColumnElement[str]:
    terms = " & ".join(f"'{word}':*" if len(word) > 1 else f"'{word}'" for word in _words(query))
    return func.to_tsquery(literal_column("'simple'::regconfig"), literal(terms))


def _plain(query: str) -> str:
    return " ".join(_words(query))


def _words(query: str) -> list[str]:
    return words(query)[:MOST_WORDS]
