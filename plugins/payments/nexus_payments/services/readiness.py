"""Whether this deployment can take money: what `nexus payments check`, `/readyz` and the start look at."""

from datetime import timedelta

from sqlalchemy import select

from nexus_kernel import Nexus, StartupError, current_nexus, now, reading
from nexus_kernel.contracts.payments import FailureCode, PaymentProvider, Problem
from nexus_payments.config import PaymentsConfig
from nexus_payments.models import Payment

RECENT = timedelta(minutes=15)


def problems_of(provider: PaymentProvider) -> list[Problem]:
    """What is wrong with a provider's configuration; a check that fails is a problem too."""
    try:
        return list(provider.check_config())
    except Exception as error:
        return [Problem(setting="check_config", message=f"failed: {type(error).__name__}")]


def refuse_unfit_start(nexus: Nexus, config: PaymentsConfig) -> None:
    """Raises StartupError for a missing default provider, and in production for every unsafe setting."""
    providers = nexus.payment_providers
    if config.default_provider and config.default_provider not in providers:
        known = ", ".join(providers) or "none"
        raise StartupError(
            f"NEXUS_PAYMENTS__DEFAULT_PROVIDER names {config.default_provider}; installed are: {known}"
        )
    if nexus.config.environment != "production":
        return
    faults = [fault for provider in providers.values() for fault in _production_faults(provider)]
    if providers and not nexus.config.public_url.startswith("https://"):
        faults.append("NEXUS_KERNEL__PUBLIC_URL must begin with https://: gateways send webhooks there")
    if faults:
        raise StartupError("this deployment cannot take payments: " + "; ".join(faults))


def configuration_health() -> str | None:
    """A sentence about providers that are set up wrongly, or whose gateway refused the shop lately."""
    faults = [
        f"{code}: {problem.setting} {problem.message}"
        for code, provider in current_nexus().payment_providers.items()
        for problem in problems_of(provider)
    ]
    with reading() as session:
        refused = session.scalars(
            select(Payment.provider)
            .where(
                Payment.check_failure == FailureCode.CONFIGURATION,
                Payment.next_check_at.is_not(None),
                Payment.updated_at > now() - RECENT,
            )
            .distinct()
        )
        faults += [f"{code}: the gateway refuses the shop's key or account" for code in refused]
    return "; ".join(faults) or None


def _production_faults(provider: PaymentProvider) -> list[str]:
    code = provider.info.code
    faults = [f"{code}: {problem.setting} {problem.message}" for problem in problems_of(provider)]
    if provider.test_mode:
        faults.append(f"{code}: test keys in production; set the live ones, or disable the plugin")
    return faults
