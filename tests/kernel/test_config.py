"""Configuration: layers, types, and one report of every fault."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexus_kernel import Manifest, StartupError, create_app, setting, settings
from nexus_kernel.config import ConfigReport, ConfigSource, redacted
from nexus_kernel.kernel_config import KernelConfig
from nexus_kernel.known_secrets import secret_fault
from nexus_kernel.testing.fixtures import SECRET_KEY

ROOT = Path(__file__).parents[2]
LONG_SECRET = "Zc4-vW8yTq1xLr7bNk3mHs9dGf6jPu2aEo5iYt0"


@dataclass(frozen=True)
class LampConfig:
    size: int = setting(20, minimum=1, maximum=100, help="How large.")
    bright: bool = setting(False, help="How bright.")
    shades: tuple[str, ...] = setting((), help="Which shades.")
    watts: float = setting(1.5, help="How strong.")
    maker: str | None = setting(None, help="Whose.")
    mood: str = setting("warm", choices=("warm", "cold"), help="Which light.")
    token: str = setting("", secret=True, production=True, min_length=16, help="Of the maker.")
    pin: int = setting(0, secret=True, maximum=9999, help="A number that nobody may read.")


class Lamp:
    MANIFEST = Manifest(name="lamp", summary="Shines", config=LampConfig)


def section(argument=None, environ=None) -> LampConfig:
    report = ConfigReport()
    found = ConfigSource.load({"lamp": argument or {}}, environ or {}).section("lamp", LampConfig, report)
    report.raise_if_any()
    return found


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "nexus.toml"
    monkeypatch.setenv("NEXUS_CONFIG", str(path))
    return path


def test_the_argument_wins_over_the_environment_over_the_file_over_the_default(tmp_path):
    path = tmp_path / "nexus.toml"
    path.write_text('[lamp]\nsize = 3\nmood = "cold"\nwatts = 2\n')
    environ = {"NEXUS_CONFIG": str(path), "NEXUS_LAMP__SIZE": "4", "NEXUS_LAMP__WATTS": "3.5"}
    found = section({"size": 5}, environ)
    assert (found.size, found.watts, found.mood, found.bright) == (5, 3.5, "cold", False)


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", " True "])
def test_a_truth_has_its_usual_spellings(text):
    assert section(environ={"NEXUS_LAMP__BRIGHT": text}).bright is True


def test_a_list_is_separated_by_commas_and_a_list_in_the_file():
    assert section(environ={"NEXUS_LAMP__SHADES": " red, blue,"}).shades == ("red", "blue")
    assert section({"shades": ["red", "blue"]}).shades == ("red", "blue")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("size", "large", "must be a whole number"),
        ("size", 2.7, "must be a whole number"),
        ("size", True, "must be a whole number"),
        ("size", "0", "at least 1"),
        ("size", "101", "at most 100"),
        ("bright", "maybe", "must be true or false"),
        ("watts", "nan", "must be a number"),
        ("watts", "x", "must be a number"),
        ("mood", "hot", "must be one of warm, cold"),
        ("mood", ["warm"], "must be text"),
        ("shades", 5, "must be a list"),
        ("shades", {"red": 1}, "must be a list"),
        ("token", "short", "at least 16 characters"),
    ],
)
def test_a_value_of_the_wrong_kind_is_reported_with_the_name_of_its_variable(key, value, message):
    with pytest.raises(StartupError, match=f"NEXUS_LAMP__{key.upper()}: .*{message}"):
        section({key: value})


def test_an_unknown_key_is_refused_with_a_suggestion():
    with pytest.raises(StartupError, match=r"NEXUS_LAMP__SIZ: .*did you mean NEXUS_LAMP__SIZE"):
        section({"siz": 1})


def test_a_section_that_no_installed_plugin_owns_is_refused_with_a_suggestion(start):
    with pytest.raises(StartupError, match="no installed plugin is named lmap; did you mean lamp"):
        start(Lamp(), lmap={"size": 1})


def test_one_report_shows_the_faults_of_the_kernel_of_the_plugins_and_unknown_sections(start):
    with pytest.raises(StartupError) as caught:
        start(
            Lamp(), kernel={"log_level": "LOUD", "acces_token_minutes": 1}, lamp={"size": 0, "x": 1}, lmap={}
        )
    report = str(caught.value)
    for name in ("KERNEL__LOG_LEVEL", "KERNEL__ACCES_TOKEN_MINUTES", "LAMP__SIZE", "LAMP__X", "NEXUS_LMAP__"):
        assert name in report, f"{name} is missing in:\n{report}"


def test_a_secret_appears_in_no_report_and_in_no_listing():
    config = section({"token": LONG_SECRET, "pin": 4711})
    assert redacted(config)["token"] == "********" and LONG_SECRET not in repr(config)
    with pytest.raises(StartupError) as caught:
        section({"pin": 471142})
    assert "471142" not in str(caught.value)
    with pytest.raises(StartupError) as caught:
        section({"pin": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "short"])
def test_production_refuses_to_start_without_a_long_secret_of_the_kernel(secret):
    with pytest.raises(StartupError, match="NEXUS_KERNEL__SECRET_KEY"):
        create_app({"kernel": {"environment": "production", "secret_key": secret}}, plugins=[])


GUESSED = [
    SECRET_KEY,
    "s" * 40,
    "a" * 64,
    "ab" * 20,
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "0123456789abcdef" * 3,
    "3f9Kq" * 8,
    "changeme-changeme-changeme-changeme",
    "Change_Me_Before_You_Deploy_4f8a2c91d0",
    "please.change.this.1f8a2c91d0b7e6543f",
    "django-insecure-7(x#k2m$9v!q4w8e1r5t6y3u",
    "your-secret-key-goes-here-0123456789",
    "My Super Secret Key For The Shop 2026!",
    "correct-horse-battery-password-staple",
    "only-for-tests-8f3a9c2b7d1e6054bca1",
]


@pytest.mark.parametrize("secret", GUESSED)
def test_production_refuses_a_secret_that_anybody_may_know_and_says_how_to_make_one(secret):
    with pytest.raises(StartupError) as caught:
        create_app({"kernel": {"environment": "production", "secret_key": secret}}, plugins=[])
    assert "NEXUS_KERNEL__SECRET_KEY: is " in str(caught.value)
    assert "secrets.token_urlsafe(48)" in str(caught.value) and secret not in str(caught.value)
    create_app({"kernel": {"environment": "test", "secret_key": secret}}, plugins=[])


def test_production_refuses_every_secret_that_the_repository_shows():
    shown = re.compile(r"""(?:SECRET_KEY|secret_key)["']?\s*[:=]\s*["']?([A-Za-z0-9_\-]{32,})""")
    places = [
        ROOT / "docker-compose.yml",
        *ROOT.glob("**/*.md"),
        *ROOT.glob("deploy/*"),
        *ROOT.glob("examples/**/*.toml"),
    ]
    texts = [path.read_text("utf-8") for path in places if ".venv" not in path.parts and path.is_file()]
    found = [secret for text in [*texts, f"SECRET_KEY={SECRET_KEY}"] for secret in shown.findall(text)]
    assert SECRET_KEY in found
    assert [secret for secret in found if secret_fault(secret) is None] == []


def test_what_the_advice_makes_is_accepted():
    for _ in range(500):
        assert secret_fault(secrets.token_urlsafe(48)) is None
        assert secret_fault(secrets.token_hex(32)) is None


def test_production_refuses_to_start_without_the_secrets_of_its_plugins():
    kernel = {"environment": "production", "secret_key": LONG_SECRET}
    with pytest.raises(StartupError, match="NEXUS_LAMP__TOKEN: must be set in production"):
        create_app({"kernel": kernel}, plugins=[Lamp()])
    create_app({"kernel": kernel, "lamp": {"token": LONG_SECRET}}, plugins=[Lamp()])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[lamp", "not valid TOML"),
        (b"size = 1", r"must stand in a \[section\]"),
        (b"\xff\xfe", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(file, content, message):
    file.write_bytes(content)
    with pytest.raises(StartupError, match=message):
        create_app(plugins=[])


def test_a_file_that_is_not_there_is_a_sentence(file):
    with pytest.raises(StartupError, match="cannot be read: No such file"):
        create_app(plugins=[])


def test_database_url_is_short_for_the_setting_and_the_setting_wins():
    environ = {"DATABASE_URL": "postgresql://a/b", "REDIS_URL": "redis://r:1/0"}
    found = ConfigSource.load(None, environ).section("kernel", KernelConfig, ConfigReport())
    assert (found.database_url, found.redis_url) == ("postgresql://a/b", "redis://r:1/0")
    environ["NEXUS_KERNEL__DATABASE_URL"] = "postgresql://c/d"
    found = ConfigSource.load(None, environ).section("kernel", KernelConfig, ConfigReport())
    assert found.database_url == "postgresql://c/d"


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "not an address"])
def test_an_address_that_is_no_postgresql_is_refused_at_the_start_without_its_password(start, url):
    with pytest.raises(StartupError, match="NEXUS_KERNEL__DATABASE_URL") as caught:
        start(kernel={"database_url": url})
    assert "hunter2" not in str(caught.value)


def test_code_reads_a_section_by_its_type(start):
    with start(Lamp(), lamp={"size": 7}).app_context():
        assert settings(LampConfig).size == 7
        assert settings(KernelConfig).environment == "test"
        with pytest.raises(LookupError, match="ConfigReport"):
            settings(ConfigReport)
