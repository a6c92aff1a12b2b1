"""The kernel's own section of the configuration."""

from dataclasses import dataclass

from nexus_kernel.config import ConfigReport, ConfigSource, env_name, require_for_production, setting
from nexus_kernel.db import postgres_url
from nexus_kernel.errors import StartupError
from nexus_kernel.known_secrets import secret_fault
from nexus_kernel.storage import parse_address


@dataclass(frozen=True)
class KernelConfig:
    """The kernel's own settings, `NEXUS_KERNEL__*`."""

    environment: str = setting(
        "development", choices=("development", "test", "production"), help="What kind of deployment this is."
    )
    secret_key: str = setting(
        "",
        secret=True,
        production=True,
        min_length=32,
        help="Signs tokens; at least 32 characters of randomness.",
    )
    database_url: str = setting(
        "postgresql://localhost/nexus",
        secret=True,
        help="PostgreSQL 15 or later. DATABASE_URL is short for it.",
    )
    redis_url: str = setting(
        "redis://localhost:6379/0",
        secret=True,
        help="Redis or Valkey: cache and broker. REDIS_URL is short for it.",
    )
    cache: str = setting(
        "on",
        choices=("on", "shared", "off"),
        help="Finished answers: kept in memory and Redis, in Redis alone, or not at all.",
    )
    cache_memory_mb: int = setting(
        16, minimum=1, maximum=1024, help="MiB of finished answers that a process holds in memory."
    )
    public_url: str = setting(
        "http://127.0.0.1:8000",
        help="Where people reach the shop; links in mails and gateway callbacks start with it.",
    )
    plugins: tuple[str, ...] = setting((), help="Load only these plugins; empty means every installed one.")
    disabled_plugins: tuple[str, ...] = setting((), help="Never load these.")
    plugin_failures: str = setting(
        "strict",
        choices=("strict", "quarantine"),
        help="strict: refuse to start. quarantine: go on without the plugin and those that need it.",
    )
    access_token_minutes: int = setting(15, minimum=1, maximum=1440, help="How long an access token lives.")
    token_recheck_seconds: float = setting(
        10.0,
        minimum=0,
        maximum=300,
        help="How long a process believes a token until it asks whether it was revoked. 0: always asks.",
    )
    trusted_proxies: int = setting(
        0,
        minimum=0,
        maximum=10,
        help="How many proxies stand before the shop; the client's address is taken from what they forward.",
    )
    max_body_bytes: int = setting(
        1_048_576, minimum=1024, help="Larger request bodies are answered with 413."
    )
    max_image_pixels: int = setting(
        40_000_000,
        minimum=1_000_000,
        maximum=100_000_000,
        help="Uploaded pictures with more are refused; one takes up to 4 bytes a pixel while it is decoded.",
    )
    media_store: str = setting(
        "media", help="Where uploaded files are kept: a folder, file:///folder, or s3://bucket/prefix."
    )
    media_url: str = setting(
        "",
        help="Where people find the files when a CDN or the bucket serves them; empty: /media/ of this host.",
    )
    media_s3_endpoint: str = setting("", help="The address of an S3-compatible server other than Amazon's.")
    media_s3_region: str = setting("us-east-1", help="The bucket's region.")
    media_s3_access_key_id: str = setting(
        "", secret=True, help="Empty: AWS_ACCESS_KEY_ID, or the role of the machine."
    )
    media_s3_secret_access_key: str = setting("", secret=True, help="Belongs to the access key.")
    database_pool_size: int = setting(
        10, minimum=1, maximum=100, help="Connections a process, opened when they are needed."
    )
    database_prepared_statements: bool = setting(True, help="Switch off behind a transaction pooler.")
    lock_timeout_ms: int = setting(
        2000, minimum=50, maximum=60_000, help="How long a statement waits for a row."
    )
    outbox_retention_days: int = setting(14, minimum=1, help="How long delivered events are kept.")
    log_level: str = setting(
        "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="Of the nexus loggers."
    )
    log_format: str = setting("text", choices=("text", "json"), help="json: a line of JSON an entry.")

    @property
    def is_strict(self) -> bool:
        """True where a plugin with a fault stops the start."""
        return self.plugin_failures == "strict"

    @property
    def in_production(self) -> bool:
        """True where a missing secret is a fault and links must be https."""
        return self.environment == "production"


def read_kernel(source: ConfigSource, report: ConfigReport) -> KernelConfig:
    """The section; its faults go to the report, and what is sound helps to find the plugins' faults."""
    kernel = source.section("kernel", KernelConfig, report) or source.sound_part("kernel", KernelConfig)
    if kernel.in_production:
        require_for_production("kernel", kernel, report)
        fault = secret_fault(kernel.secret_key) if kernel.secret_key else None
        if fault:
            report.add(env_name("kernel", "secret_key"), fault)
    try:
        postgres_url(kernel.database_url)
    except StartupError as error:
        report.add(env_name("kernel", "database_url"), str(error))
    try:
        parse_address(kernel.media_store)
    except StartupError as error:
        report.add(env_name("kernel", "media_store"), str(error))
    if kernel.media_url and not kernel.media_url.startswith(("https://", "http://", "/")):
        report.add(env_name("kernel", "media_url"), "is not an address such as https://cdn.example.com/shop")
    if not kernel.redis_url.startswith(("redis://", "rediss://")):
        report.add(env_name("kernel", "redis_url"), "is not an address such as redis://host:6379/0")
    return kernel
