"""From a template and its values to text. The values are data: they are escaped and never compiled.

A kind is a folder: `subject.txt`, `mail.txt`, `mail.html` and, where it is shown in the shop, `in_app.txt`,
whose first line is the title. A deployment's folder is searched first; a template there may extend what it
replaces as `shipped/<kind>/mail.html`.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import Row

from nexus_kernel import KernelConfig, settings
from nexus_kernel.contracts.notifications import OutboundMessage
from nexus_notifications.config import NotificationsConfig

LONGEST_SUBJECT = 200
_LINKS = ("activation_url", "password_reset_url", "email_change_url", "order_url")


def render_message(mail: Row[Any], config: NotificationsConfig) -> OutboundMessage:
    """The message of a mail. Raises jinja2.TemplateError for a template that does not work."""
    render = _Renderer(mail.template, mail.context, config)
    return OutboundMessage(
        message_id=mail.message_id,
        kind=mail.template,
        user_id=mail.user_id,
        recipient=mail.recipient,
        subject=_one_line(render("subject.txt")),
        text=render("mail.txt"),
        html=render("mail.html"),
    )


def render_in_app(kind: str, context: Mapping[str, Any], config: NotificationsConfig) -> tuple[str, str]:
    """Title and body of a notification. Raises jinja2.TemplateError."""
    title, _, body = _Renderer(kind, context, config)("in_app.txt").strip().partition("\n")
    return _one_line(title), body.strip()


class _Renderer:
    def __init__(self, kind: str, context: Mapping[str, Any], config: NotificationsConfig) -> None:
        public_url = settings(KernelConfig).public_url.rstrip("/")
        self._kind = kind
        self._environment = _environment(config.templates_folder)
        self._values = {
            **context,
            "shop_name": config.shop_name,
            "public_url": public_url,
            **{name: getattr(config, name).replace("{public_url}", public_url) for name in _LINKS},
        }

    def __call__(self, name: str) -> str:
        return self._environment.get_template(f"{self._kind}/{name}").render(self._values)


@cache
def _environment(folder: str) -> ImmutableSandboxedEnvironment:
    shipped = PackageLoader("nexus_notifications")
    loaders: list[BaseLoader] = [FileSystemLoader(folder)] if folder else []
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([*loaders, shipped, PrefixLoader({"shipped": shipped})]),
        autoescape=lambda name: not (name or "").endswith(".txt"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = _money
    environment.globals["fill_in"] = _fill_in
    return environment


def _money(value: Mapping[str, str]) -> str:
    return f"{value['currency']} {Decimal(value['amount']):,f}"


def _fill_in(url: str, **values: str) -> str:
    for name, value in values.items():
        url = url.replace(f"{{{name}}}", quote(value, safe=":@="))
    return url


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_SUBJECT]
