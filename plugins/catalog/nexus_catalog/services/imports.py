"""Reading imports that staff sent in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from nexus_catalog.errors import ImportNotFound
from nexus_catalog.models import Import
from nexus_kernel import paginate

COUNTS = ("created", "updated", "unchanged", "refused", "images", "images_refused")
_SHOWN = ("id", "state", "format", "currency", "dry_run", "set_stock", "warnings", "error")
_COLUMNS = select(*Import.__table__.c)


def import_page(session: Session, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of imports, the newest first."""
    return paginate(session, _COLUMNS, order=(Import.created_at, Import.id), args=args, present=_import)


def get_import(session: Session, import_id: UUID) -> dict[str, Any]:
    """One import. Raises ImportNotFound."""
    row = session.execute(_COLUMNS.where(Import.id == import_id)).one_or_none()
    if row is None:
        raise ImportNotFound("There is no such import.")
    return _import(row)


def _import(row: Row[Any]) -> dict[str, Any]:
    values = row._mapping
    done = row.state == "done"
    return {name: values[name] for name in _SHOWN} | {
        "progress": 100 if done else min(99, row.position * 100 // max(row.size, 1)),
        "counts": {name: values[name] for name in COUNTS},
        "refused_url": f"/api/catalog/imports/{row.id}/refused/" if _has_refused(row) else None,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _has_refused(row: Row[Any]) -> bool:
    return row.state in ("done", "failed") and bool(row.refused or row.images_refused)
