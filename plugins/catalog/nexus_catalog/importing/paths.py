"""Category paths: which ids they have now, and the creation of those that are missing."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import String, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from nexus_catalog.models import Category
from nexus_catalog.services.categories import create_category

Path = tuple[str, ...]

_NAMED = (
    select(Category.id, Category.parent_id, Category.name)
    .where(Category.name == bindparam("names", type_=ARRAY(String)).any_())  # type: ignore[attr-defined]
    .order_by(Category.id)
)


class CategoryPaths:
    """The categories of a batch, read once. Names are compared exactly; of equal siblings any will do."""

    def __init__(self, session: Session, paths: Iterable[Path]) -> None:
        wanted = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
        self._ids: dict[Path, list[UUID]] = {}
        if not wanted:
            return
        children: dict[tuple[UUID | None, str], list[UUID]] = defaultdict(list)
        for row in session.execute(_NAMED, {"names": sorted({path[-1] for path in wanted})}):
            children[row.parent_id, row.name].append(row.id)
        for path in sorted(wanted, key=len):
            parents = self._ids[path[:-1]] if len(path) > 1 else [None]
            self._ids[path] = [id for parent in parents for id in children.get((parent, path[-1]), ())]

    def is_at(self, category_id: UUID | None, path: Path) -> bool:
        """True when this category, or none, is what the path means."""
        return category_id in self._ids[path] if path else category_id is None

    def id_of(self, session: Session, path: Path) -> UUID | None:
        """The category's id; it and its ancestors are created when they are missing."""
        if not path:
            return None
        if not self._ids[path]:
            parent_id = self.id_of(session, path[:-1])
            self._ids[path] = [create_category(session, path[-1], parent_id)]
        return self._ids[path][0]
