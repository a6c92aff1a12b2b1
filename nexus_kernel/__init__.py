"""Nexus: a commerce framework whose every domain is an installable plugin.

This module is the public API. What is not listed in `__all__` is private and may change at any time; the
contracts between plugins are public too, in `nexus_kernel.contracts`.
"""

from nexus_kernel import services
from nexus_kernel.api import (
    Amount,
    Blueprint,
    Currency,
    PageQuery,
    QuerySchema,
    Schema,
    Text,
    page_of,
    paginate,
)
from nexus_kernel.app import create_app
from nexus_kernel.auth import (
    ADMIN,
    MEMBER,
    Actor,
    Permission,
    current_actor,
    issue_access_token,
    verified_claims,
)
from nexus_kernel.config import setting
from nexus_kernel.db import (
    Keyed,
    Model,
    Timestamped,
    amount_column,
    currency_column,
    current_session,
    money_checks,
    new_id,
    now,
    on_commit,
)
from nexus_kernel.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NexusError,
    NotFound,
    StartupError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    invalid_field,
)
from nexus_kernel.events import Subscription, publish
from nexus_kernel.health import HealthCheck
from nexus_kernel.hookspecs import hookimpl
from nexus_kernel.kernel_config import KernelConfig
from nexus_kernel.manifest import Manifest
from nexus_kernel.money import Money
from nexus_kernel.runtime import Nexus, cache, current_nexus, reading, settings, transaction
from nexus_kernel.services import ServiceFactory
from nexus_kernel.tasks import Periodic, Task, task

__version__ = "0.1.0"

__all__ = [
    "ADMIN",
    "MEMBER",
    "Actor",
    "Amount",
    "BadRequest",
    "Blueprint",
    "Conflict",
    "Currency",
    "FieldError",
    "Forbidden",
    "HealthCheck",
    "Invalid",
    "KernelConfig",
    "Keyed",
    "Manifest",
    "Model",
    "Money",
    "Nexus",
    "NexusError",
    "NotFound",
    "PageQuery",
    "Periodic",
    "Permission",
    "QuerySchema",
    "Schema",
    "ServiceFactory",
    "StartupError",
    "Subscription",
    "Task",
    "Text",
    "Timestamped",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "amount_column",
    "cache",
    "create_app",
    "currency_column",
    "current_actor",
    "current_nexus",
    "current_session",
    "hookimpl",
    "invalid_field",
    "issue_access_token",
    "money_checks",
    "new_id",
    "now",
    "on_commit",
    "page_of",
    "paginate",
    "publish",
    "reading",
    "services",
    "setting",
    "settings",
    "task",
    "transaction",
    "verified_claims",
]
