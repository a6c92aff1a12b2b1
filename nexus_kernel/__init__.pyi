"""The public names; see `__init__.py`."""

from . import services as services
from .api import (
    Amount,
    Blueprint,
    CachedCount,
    Currency,
    PageQuery,
    Pages,
    QuerySchema,
    Schema,
    Text,
    Window,
    page_of,
    paginate,
)
from .app import create_app
from .auth import (
    ADMIN,
    MEMBER,
    Actor,
    Permission,
    current_actor,
    issue_access_token,
    verified_claims,
)
from .config import setting
from .db import (
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
from .errors import (
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
from .events import Subscription, publish
from .health import HealthCheck
from .hookspecs import hookimpl
from .kernel_config import KernelConfig
from .manifest import Manifest
from .money import Money
from .runtime import Nexus, current_cache, current_nexus, reading, settings, transaction
from .services import ServiceFactory
from .tasks import Periodic, Task, task

__version__: str

__all__ = [
    "ADMIN",
    "MEMBER",
    "Actor",
    "Amount",
    "BadRequest",
    "Blueprint",
    "CachedCount",
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
    "Pages",
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
    "Window",
    "amount_column",
    "create_app",
    "currency_column",
    "current_actor",
    "current_cache",
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
