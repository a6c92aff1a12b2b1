"""Who may do what. Personal permissions are never an API key's."""

from nexus_kernel import Permission

PERMISSIONS = (
    Permission("accounts.me.read", "See one's own account"),
    Permission("accounts.me.write", "Change one's own account", personal=True),
    Permission("accounts.me.export", "Get everything that is kept of oneself", personal=True),
    Permission("accounts.address.use", "Keep one's own addresses"),
    Permission("accounts.api_key.use", "Have API keys", personal=True),
    Permission("accounts.seller_application.use", "Apply to become a seller"),
    Permission("accounts.seller_application.decide", "Decide about applications", roles=("staff",)),
    Permission("accounts.user.read", "See everybody's account", roles=("staff",)),
    Permission("accounts.user.write", "Change, close and open accounts", roles=("staff",)),
    Permission("accounts.user.erase", "Erase people", roles=("staff",), personal=True),
    Permission("accounts.role.grant", "Make people sellers", roles=("staff",), personal=True),
    Permission("accounts.role.grant_any", "Grant every role", roles=(), personal=True),
    Permission("accounts.admin.write", "Change the accounts of admins", roles=(), personal=True),
    Permission("accounts.audit.read", "Read the audit record", roles=("staff",)),
)
