"""Selecting, loading and registering plugins: nothing unwanted is imported, every failure is told."""

import sys

import pytest

from nexus_kernel import Manifest, StartupError, create_app, hookimpl
from nexus_kernel.manifest import Fault
from nexus_kernel.plugins import fault_table
from nexus_kernel.testing.fixtures import SECRET_KEY


class Wanted: ...


def app_of(*, quarantine: bool = False, plugins=None, chosen=None):
    failures = "quarantine" if quarantine else "strict"
    kernel = {"environment": "test", "secret_key": SECRET_KEY, "plugin_failures": failures, **(chosen or {})}
    return create_app({"kernel": kernel}, plugins=plugins)


def running(app) -> list[str]:
    return list(app.extensions["nexus"].plugins)


class Healthy:
    MANIFEST = Manifest(name="healthy", summary="Works", provides=(Wanted,))

    @hookimpl
    def nexus_services(self):
        return {Wanted: lambda session: self}


class WrongHook:
    MANIFEST = Manifest(name="wrong_hook", summary="")

    @hookimpl
    def nexus_modles(self):
        return []


class WrongArgument:
    MANIFEST = Manifest(name="wrong_argument", summary="")

    @hookimpl
    def nexus_models(self, application):
        return []


class WrongAnnotation:
    MANIFEST = Manifest(name="wrong_annotation", summary="")

    @hookimpl
    def nexus_models(self) -> dict[str, int]:
        return {}


class Unmarked:
    MANIFEST = Manifest(name="unmarked", summary="")

    def nexus_models(self):
        return []


class Raising:
    MANIFEST = Manifest(name="raising", summary="")

    @hookimpl
    def nexus_permissions(self):
        raise RuntimeError("no permissions today")


class WrongType:
    MANIFEST = Manifest(name="wrong_type", summary="")

    @hookimpl
    def nexus_tasks(self):
        return ["wrong_type.reindex"]


class NoManifest:
    pass


class NextApi:
    MANIFEST = Manifest(name="next_api", summary="", hook_api=2)


class BadName:
    MANIFEST = Manifest(name="Bad-Name", summary="")


class Kernel:
    MANIFEST = Manifest(name="kernel", summary="")


class HollowProvider:
    MANIFEST = Manifest(name="hollow", summary="")

    @hookimpl
    def nexus_payment_providers(self):
        provider = type("Provider", (), dict.fromkeys(("info", "initiate", "fetch", "parse_webhook")))
        return [provider()]


class HollowService:
    MANIFEST = Manifest(name="hollow_service", summary="")

    @hookimpl
    def nexus_services(self):
        return {"CatalogService": Healthy}


class BaseAsModel:
    MANIFEST = Manifest(name="base_model", summary="")

    @hookimpl
    def nexus_models(self):
        from nexus_kernel import Model

        return [Model]


class FailsWhenReady:
    MANIFEST = Manifest(name="late", summary="")

    @hookimpl
    def nexus_app_ready(self, app):
        raise RuntimeError("not ready after all")


BROKEN = {
    WrongHook: ("wrong_hook", "register", "nexus_modles"),
    WrongArgument: ("wrong_argument", "register", "application"),
    WrongAnnotation: ("wrong_annotation", "register", "nexus_models: its result is annotated dict[str, int]"),
    Unmarked: ("unmarked", "register", "@hookimpl"),
    Raising: ("raising", "hooks", "RuntimeError: no permissions today"),
    WrongType: ("wrong_type", "hooks", "'wrong_type.reindex'"),
    NoManifest: ("NoManifest", "manifest", "has no MANIFEST"),
    NextApi: ("next_api", "manifest", "hook API 2"),
    BadName: ("Bad-Name", "manifest", "is no name"),
    Kernel: ("kernel", "manifest", "is no name"),
    HollowProvider: ("hollow", "gather", "code"),
    HollowService: ("hollow_service", "hooks", "CatalogService"),
    BaseAsModel: ("base_model", "hooks", "Model"),
    FailsWhenReady: ("late", "hooks", "not ready after all"),
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_plugin_is_named_with_the_step_the_reason_and_a_fix(broken):
    plugin, step, reason = BROKEN[broken]
    with pytest.raises(StartupError) as caught:
        app_of(plugins=[Healthy(), broken()])
    table = str(caught.value)
    (line,) = [line for line in table.splitlines() if line.split()[:1] == [plugin]]
    assert line.split()[1] == step and reason in line, table
    assert table.splitlines()[table.splitlines().index(line) + 1].strip().startswith("-> ")


def test_strict_shows_every_failure_of_every_plugin_in_one_table():
    with pytest.raises(StartupError) as caught:
        app_of(plugins=[Healthy(), *(broken() for broken in BROKEN)])
    table = str(caught.value)
    assert table.startswith(f"{len(BROKEN)} fault(s)"), table
    for plugin, _, reason in BROKEN.values():
        assert plugin in table and reason in table


def test_the_table_has_a_line_for_the_fault_and_one_for_the_fix():
    assert fault_table([Fault("a", "load", "it broke", "mend it")]).split("\n") == [
        "  a  load  it broke",
        "           -> mend it",
    ]


class Needing:
    def __init__(self, name: str, needs: type, provides: tuple[type, ...] = ()) -> None:
        self.MANIFEST = Manifest(name=name, summary="", needs=(needs,), provides=provides)
        self._provides = provides

    @hookimpl
    def nexus_services(self):
        return {contract: lambda session: self for contract in self._provides}


class Second: ...


class BrokenProvider(Raising):
    MANIFEST = Manifest(name="provider", summary="", provides=(Wanted,))

    @hookimpl
    def nexus_services(self):
        return {Wanted: lambda session: self}


class Wishing:
    MANIFEST = Manifest(name="wishing", summary="", wants=(Wanted,))


@pytest.fixture
def quarantined():
    chain = [Needing("direct", Wanted, (Second,)), Needing("indirect", Second)]
    return app_of(quarantine=True, plugins=[BrokenProvider(), *chain, Wishing()])


def test_quarantine_drops_the_plugin_and_all_that_need_it_but_not_who_only_wants_it(quarantined):
    assert running(quarantined) == ["wishing"]
    faults = {fault.plugin: fault.reason for fault in quarantined.extensions["nexus"].quarantined}
    assert set(faults) == {"provider", "direct", "indirect"}
    assert "no permissions today" in faults["provider"] and "needs" in faults["indirect"]


def test_a_quarantined_application_serves_and_readyz_says_who_is_missing(quarantined):
    client = quarantined.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json["quarantined"] == ["direct", "indirect", "provider"]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_whatever_is_broken_quarantine_leaves_the_others_running(broken):
    assert running(app_of(quarantine=True, plugins=[Healthy(), broken()])) == ["healthy"]


def test_a_cycle_in_quarantine_drops_the_ring_and_nobody_else():
    ring = [Needing("ring_a", Second, (Wanted,)), Needing("ring_b", Wanted, (Second,))]
    assert running(app_of(quarantine=True, plugins=[*ring, Wishing()])) == ["wishing"]


def test_two_plugins_of_one_name_are_refused_and_both_origins_are_named():
    with pytest.raises(StartupError, match=r"healthy.*Healthy.*Raising"):
        twin = Raising()
        twin.MANIFEST = Healthy.MANIFEST
        app_of(plugins=[Healthy(), twin])


GOOD = "MANIFEST = Manifest(name='{}', summary='')"


@pytest.mark.parametrize("chosen", [{"plugins": ("lit",)}, {"disabled_plugins": ("dark",)}])
def test_a_plugin_that_is_not_chosen_is_not_even_imported(install, chosen):
    install("lit", GOOD.format("lit"))
    install("dark", "raise RuntimeError('imported')")
    chosen = {"plugins": ("lit", "dark"), **chosen}
    assert running(app_of(chosen=chosen)) == ["lit"]
    assert "installed_lit" in sys.modules and "installed_dark" not in sys.modules


def test_plugins_that_are_given_are_not_filtered_by_the_environment(install, monkeypatch):
    install("lit", GOOD.format("lit"))
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "lit")
    assert running(app_of(plugins=[Healthy()])) == ["healthy"]
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "")
    monkeypatch.setenv("NEXUS_KERNEL__DISABLED_PLUGINS", "healthy,lit")
    assert running(app_of(plugins=[Healthy(), "lit"])) == ["healthy", "lit"]


def test_a_plugin_that_cannot_be_imported_is_a_fault_that_names_its_distribution(install):
    install("dark", "import no_such_library")
    with pytest.raises(StartupError, match=r"dark .*No module named 'no_such_library'\n.*shop-dark 1.0"):
        app_of(plugins=["dark"])


def test_an_entry_point_and_its_manifest_have_one_name(install):
    install("lit", GOOD.format("bright"))
    with pytest.raises(StartupError, match="its manifest is named 'bright', its entry point 'lit'"):
        app_of(plugins=["lit"])


@pytest.mark.parametrize("setting", ["plugins", "disabled_plugins"])
def test_choosing_a_plugin_that_is_not_installed_suggests_the_one_that_was_meant(install, setting):
    install("lantern", GOOD.format("lantern"))
    with pytest.raises(StartupError, match="no plugin named 'lanten' is installed; did you mean lantern"):
        app_of(chosen={setting: ("lanten",)})


def test_a_hook_gets_the_configuration_of_its_own_plugin(install):
    class Gateway:
        MANIFEST = Manifest(name="gateway", summary="")
        seen: object = "nothing"

        @hookimpl
        def nexus_payment_providers(self, config):
            self.seen = config
            return []

    gateway = Gateway()
    app_of(plugins=[gateway, Healthy()])
    assert gateway.seen is None


def test_after_the_start_nothing_can_be_registered():
    nexus = app_of(plugins=[Healthy()]).extensions["nexus"]
    with pytest.raises(StartupError, match="after the start"):
        nexus.permissions.add("late.entry", object(), "late")
    with pytest.raises(StartupError, match="after the start"):
        nexus.services.provide(Second, Healthy, "late")
