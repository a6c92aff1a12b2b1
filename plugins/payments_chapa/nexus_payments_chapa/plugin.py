"""The Chapa gateway: what this plugin contributes."""

from collections.abc import Iterable

from nexus_kernel import Manifest, hookimpl
from nexus_kernel.contracts.development import DevService
from nexus_kernel.contracts.payments import PaymentProvider
from nexus_payments_chapa.config import ChapaConfig

MANIFEST = Manifest(name="payments_chapa", summary="Pay through Chapa's hosted checkout", config=ChapaConfig)


@hookimpl
def nexus_payment_providers(config: ChapaConfig) -> Iterable[PaymentProvider]:
    from nexus_payments_chapa.provider import ChapaProvider

    return [ChapaProvider(config)]


@hookimpl
def nexus_dev_services() -> Iterable[DevService]:
    """A stand-in for Chapa beside the shop, when `nexus-chapa-sim` is installed."""
    simulator = DevService(
        name="chapa",
        module="nexus_chapa_sim",
        arguments=(
            *("--port", "{port}"),
            *("--webhook-url", "{api}/api/payments/webhook/chapa/"),
            *("--secret-key", "CHASECK_TEST-{secret}"),
            *("--webhook-secret", "{secret}"),
            "--refunds-in-test",
            *("--refund-processing-after", "15"),
            *("--refund-completed-after", "60"),
            *("--state-file", "{state_dir}/chapa-simulator.sqlite"),
        ),
        settings={
            "NEXUS_PAYMENTS_CHAPA__BASE_URL": "http://127.0.0.1:{port}/v1",
            "NEXUS_PAYMENTS_CHAPA__CHECKOUT_HOSTS": "127.0.0.1:{port}",
            "NEXUS_PAYMENTS_CHAPA__SECRET_KEY": "CHASECK_TEST-{secret}",
            "NEXUS_PAYMENTS_CHAPA__WEBHOOK_SECRETS": "{secret}",
        },
    )
    return [simulator]
