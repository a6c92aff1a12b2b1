"""The public names; see `__init__.py`."""

from . import media as media
from . import services as services
from . import spreadsheets as spreadsheets
from .actors import ADMIN, MEMBER, Actor, Permission
from .api import (
    Amount,
    Blueprint,
    CachedCount,
    Country,
    Currency,
    File,
    PageQuery,
    Pages,
    QuerySchema,
    Schema,
    Text,
    Window,
    download,
    page_of,
    paginate,
)
from .app import create_app
from .auth import current_actor
from .authenticators import Authenticator
from .config import setting
from .db import (
    Keyed,
    Model,
    Reader,
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
from .runtime import Nexus, current_cache, current_nexus, querying, reading, settings, transaction
from .services import ServiceFactory
from .tasks import Periodic, Task, task
from .throttling import Throttled, check_rate, client_network, current_throttle, throttle, throttle_client
from .tokens import access_claims, issue_access_token, verified_claims

__version__: str

__all__ = [
    "ADMIN",
    "MEMBER",
    "Actor",
    "Amount",
    "Authenticator",
    "BadRequest",
    "Blueprint",
    "CachedCount",
    "Conflict",
    "Country",
    "Currency",
    "FieldError",
    "File",
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
    "Reader",
    "Schema",
    "ServiceFactory",
    "StartupError",
    "Subscription",
    "Task",
    "Text",
    "Throttled",
    "Timestamped",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Window",
    "access_claims",
    "amount_column",
    "check_rate",
    "client_network",
    "create_app",
    "currency_column",
    "current_actor",
    "current_cache",
    "current_nexus",
    "current_session",
    "current_throttle",
    "download",
    "hookimpl",
    "invalid_field",
    "issue_access_token",
    "media",
    "money_checks",
    "new_id",
    "now",
    "on_commit",
    "page_of",
    "paginate",
    "publish",
    "querying",
    "reading",
    "services",
    "setting",
    "settings",
    "spreadsheets",
    "task",
    "throttle",
    "throttle_client",
    "transaction",
    "verified_claims",
]
