"""Settings, `NEXUS_ACCOUNTS__*`."""

from dataclasses import dataclass

from nexus_kernel import check_rate, setting


@dataclass(frozen=True)
class AccountsConfig:
    """How long tokens and links live, how often one may try, and what an unverified person may do."""

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
    password_reset_minutes: int = setting(
        60, minimum=5, maximum=1440, help="How long the link that sets a new password works."
    )
    email_change_hours: int = setting(
        24, minimum=1, maximum=168, help="How long the link that confirms a new address works."
    )
    link_pause_seconds: int = setting(
        60, minimum=0, maximum=3600, help="An account gets at most one reset or change link in this time."
    )
    sign_in_client_rate: str = setting(
        "30/minute",
        check=check_rate,
        help="Sign-ins from one client network. An empty rate is no limit.",
    )
    sign_in_account_rate: str = setting(
        "20/hour",
        check=check_rate,
        help="Wrong passwords for one account, from all unknown networks together.",
    )
    registration_rate: str = setting(
        "60/hour", check=check_rate, help="Registrations from one client network."
    )
    mail_client_rate: str = setting(
        "60/hour", check=check_rate, help="Requests for a mailed link from one client network."
    )
    mail_account_rate: str = setting(
        "10/hour", check=check_rate, help="Requests for a mailed link to one address, or by one person."
    )
    link_rate: str = setting(
        "30/minute", check=check_rate, help="Uses of mailed links, good or bad, from one client network."
    )
    refresh_rate: str = setting("120/minute", check=check_rate, help="Refreshes from one client network.")
    api_key_days: int = setting(
        365, minimum=1, maximum=3650, help="How long an API key lives at most, and unless it says less."
    )
    audit_retention_days: int = setting(
        365, minimum=30, maximum=3650, help="How long entries of the audit record are kept."
    )
