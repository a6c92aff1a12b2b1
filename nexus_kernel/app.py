"""`create_app`: ten named steps.

1 configuration, 2 discover, 3 select, 4 import and sort, 5 the plugins' configuration, 6 register,
7 extensions, 8 gather, 9 verify, 10 freeze. Steps 1 to 3 are `create_app`'s; 4 and 5 are `plugins.load`; the
rest is `_assemble`, once more for each round in which plugins with faults are left out.
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from flask import Flask
from flask.json.provider import JSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from nexus_kernel import outbox
from nexus_kernel.api.application import Application
from nexus_kernel.api.fastpath import FastPath
from nexus_kernel.api.openapi import Api
from nexus_kernel.cache import Cache
from nexus_kernel.config import ConfigReport, ConfigSource
from nexus_kernel.db import Database
from nexus_kernel.gathering import gather, verify, verify_late_routes
from nexus_kernel.hooks import Hooks
from nexus_kernel.kernel_config import KernelConfig, read_kernel
from nexus_kernel.logs import configure_logging, init_request_ids
from nexus_kernel.manifest import Fault
from nexus_kernel.plugins import Candidate, Loaded, discover, load, register, select
from nexus_kernel.problems import init_problems
from nexus_kernel.quarantine import start_what_can
from nexus_kernel.runtime import Nexus
from nexus_kernel.storage import MediaStore, S3Access
from nexus_kernel.throttling import Throttle
from nexus_kernel.tokens import init_auth


class OrjsonProvider(JSONProvider):
    """JSON by orjson."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """The text of `obj`; UUIDs, dates and dataclasses included."""
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of this text. NaN and duplicate surrogates are refused."""
        return orjson.loads(s)


def create_app(
    config: Mapping[str, Mapping[str, Any]] | None = None, *, plugins: Sequence[object] | None = None
) -> Flask:
    """The application with its plugins.

    `config` is section -> setting -> value and wins over the environment and the file. `plugins` are
    modules, objects or names of installed plugins, and exactly these: `NEXUS_KERNEL__PLUGINS` and
    `NEXUS_KERNEL__DISABLED_PLUGINS` choose only among the installed ones, when `plugins` is left out.
    Raises StartupError with one report of every fault; in quarantine mode plugins with faults are left out.
    """
    source, report = ConfigSource.load(config), ConfigReport()
    kernel = read_kernel(source, report)
    found = discover(plugins)
    chosen = (kernel.plugins, kernel.disabled_plugins) if plugins is None else ((), ())
    selected = select(found, *chosen)
    load_selected = partial(load, source=source, production=kernel.in_production)
    _check_configuration(source, selected, report, load_selected(selected) if report.faults else None)
    return start_what_can(selected, load_selected, partial(_assemble, kernel), strict=kernel.is_strict)


def _check_configuration(
    source: ConfigSource, selected: Sequence[Candidate], report: ConfigReport, loaded: Loaded | None
) -> None:
    """Raises StartupError for faults of the kernel's section, with the plugins' own in the same report."""
    known = {"kernel", *(candidate.name for candidate in selected)}
    if source.values.keys() - known:
        known |= {candidate.name for candidate in discover(None)}
        source.unknown_sections(known, report)
    for fault in loaded.faults if loaded else ():
        where = "" if fault.step == "config" else f"{fault.plugin} ({fault.step}): "
        report.faults.append(where + fault.reason)
    report.raise_if_any()


def _assemble(kernel: KernelConfig, loaded: Loaded, quarantined: list[Fault]) -> Flask:
    """Steps 6 to 10 on plugins that loaded; what goes wrong is added to `loaded.faults`."""
    nexus = _register(kernel, loaded, quarantined)
    _extend(nexus)
    gathered = gather(nexus)
    verify(nexus, gathered)
    if not loaded.faults:
        nexus.freeze()
        nexus.hooks.app_ready(nexus.app)
        verify_late_routes(nexus, gathered)
    return nexus.app


def _register(kernel: KernelConfig, loaded: Loaded, quarantined: list[Fault]) -> Nexus:
    app = Application("nexus", static_folder=None)
    app.json = OrjsonProvider(app)
    manager = register(loaded.plugins, loaded.faults)
    configs = {plugin.name: plugin.config for plugin in loaded.plugins}
    nexus = Nexus(
        app=app,
        config=kernel,
        db=_database(kernel),
        cache=Cache(kernel.redis_url, mode=kernel.cache, memory_mb=kernel.cache_memory_mb),
        media=_media(kernel),
        plugins={plugin.name: plugin for plugin in loaded.plugins},
        edges=loaded.edges,
        needs=loaded.needs,
        hooks=Hooks(manager, list(configs), configs, loaded.faults),
        quarantined=quarantined,
    )
    app.extensions["nexus"] = nexus
    return nexus


def _database(kernel: KernelConfig) -> Database:
    db = Database(
        kernel.database_url,
        pool_size=kernel.database_pool_size,
        lock_timeout_ms=kernel.lock_timeout_ms,
        prepared_statements=kernel.database_prepared_statements,
    )
    db.before_commit.append(outbox.write_events)
    return db


def _media(kernel: KernelConfig) -> MediaStore:
    access = S3Access(
        endpoint=kernel.media_s3_endpoint,
        region=kernel.media_s3_region,
        access_key_id=kernel.media_s3_access_key_id,
        secret_access_key=kernel.media_s3_secret_access_key,
    )
    return MediaStore(kernel.media_store, kernel.media_url, access)


def _extend(nexus: Nexus) -> None:
    app, kernel = nexus.app, nexus.config
    configure_logging(kernel.log_level, kernel.log_format)
    app.config.update(
        API_TITLE="Nexus",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=kernel.max_body_bytes,
        PROPAGATE_EXCEPTIONS=False,
        NEXUS_KEY_IS_EPHEMERAL=not kernel.secret_key,
    )
    app.secret_key = kernel.secret_key or secrets.token_urlsafe(48)
    nexus.throttle = Throttle(kernel.redis_url, app.secret_key)
    if kernel.trusted_proxies:
        hops = kernel.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    init_auth(app, secret_key=app.secret_key, access_minutes=kernel.access_token_minutes)
    init_request_ids(app)
    init_problems(app)
    nexus.api = Api(app, lambda module: [p.name for p in nexus.plugins.values() if p.holds(module)])
    app.wsgi_app = FastPath(app, nexus.cache)  # type: ignore[method-assign]
    nexus.hooks.init_app(app)
