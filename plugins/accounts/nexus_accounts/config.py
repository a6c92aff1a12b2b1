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
    max_avatar_bytes: int = setting(
        5_242_880, minimum=65_536, help="Larger uploads of a person's picture are answered with 413."
    )
    activation_hours: int = setting(
        72, minimum=1, maximum=720, help="How long the link that confirms an e-mail address works."
    )
    activation_pause_seconds: int = setting(
        60, minimum=0, maximum=86_400, help="An account gets at most one activation mail in this time."
    )
