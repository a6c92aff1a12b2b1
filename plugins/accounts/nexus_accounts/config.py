"""Settings, `NEXUS_ACCOUNTS__*`."""

from dataclasses import dataclass

from nexus_kernel import setting


@dataclass(frozen=True)
class AccountsConfig:
    """How long tokens live, and what an unverified person may do."""

    require_verified_email: bool = setting(
        False, help="Demand a confirmed e-mail address before an order can be placed."
    )
    refresh_token_days: int = setting(
        14, minimum=1, maximum=365, help="How long a refresh token lives; each rotation starts anew."
    )
    refresh_grace_seconds: int = setting(
        0,
        minimum=0,
        maximum=60,
        help=(
            "A refresh token that is sent again so soon after its rotation is refused without signing the "
            "person out, for clients with several tabs. 0: any second use signs out."
        ),
    )
    activation_hours: int = setting(
        72, minimum=1, maximum=720, help="How long the link that confirms an e-mail address works."
    )
    activation_pause_seconds: int = setting(
        60, minimum=0, maximum=86_400, help="An account gets at most one activation mail in this time."
    )
    api_key_days: int = setting(
        365, minimum=1, maximum=3650, help="How long an API key lives at most, and unless it says less."
    )
    audit_retention_days: int = setting(
        365, minimum=30, maximum=3650, help="How long entries of the audit record are kept."
    )
