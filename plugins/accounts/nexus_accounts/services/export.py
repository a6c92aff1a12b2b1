"""Everything that the shop keeps of a person, as one document."""

import logging
from typing import Any
from uuid import UUID

from nexus_accounts.errors import ExportFailed
from nexus_accounts.models import Act
from nexus_accounts.services.audit import audit
from nexus_kernel import current_nexus, current_session, now

log = logging.getLogger("nexus.accounts")


def export_person(user_id: UUID) -> dict[str, Any]:
    """A section for each plugin that keeps something of people. Raises ExportFailed.

    A document that lacks a section would look complete, so there is none when one cannot be read.
    """
    sections = {name: _section(name, user_id) for name in sorted(current_nexus().data_subjects)}
    audit(current_session(), Act.EXPORTED, user_id)
    return {"person_id": user_id, "exported_at": now(), "sections": sections}


def _section(name: str, user_id: UUID) -> Any:
    try:
        return current_nexus().data_subjects[name].export(user_id)
    except Exception as error:
        log.exception("%s could not export a person", name)
        raise ExportFailed(name) from error
