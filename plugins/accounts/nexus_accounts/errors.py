"""What can go wrong, for API clients."""

from collections.abc import Iterable, Mapping

from nexus_kernel import Conflict, FieldError, Forbidden, Invalid, Unauthorized, Unavailable


class InvalidCredentials(Unauthorized):
    """Wrong password, unknown address or closed account: one answer for all three."""

    code, title = "accounts.invalid_credentials", "Sign-in failed"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class RefreshTokenRefused(Unauthorized):
    """The refresh token was used before, signed out, or belongs to a closed account."""

    code, title = "accounts.refresh_token_refused", "Sign in again"

    def __init__(self) -> None:
        super().__init__("This refresh token does not hold any more; sign in again.")


class AccountClosed(Unauthorized):
    """The access token still holds, but its person's account does not."""

    code, title = "accounts.closed", "Account closed"

    def __init__(self) -> None:
        super().__init__("This account is closed.")


class InvalidActivationToken(Invalid):
    """Wrong, used, expired or somebody else's."""

    code, title = "accounts.invalid_activation_token", "The link does not work"

    def __init__(self) -> None:
        sentence = "The link is wrong, expired or was used before; ask for a new one."
        super().__init__(sentence, errors=[FieldError("token", self.code, sentence)])


class PasswordRequired(Invalid):
    """The address was registered with several passwords: whoever follows its link chooses the password."""

    code, title = "accounts.password_required", "Choose a password"

    def __init__(self) -> None:
        sentence = "This address was registered more than once; send the password it shall have from now on."
        super().__init__(sentence, errors=[FieldError("password", self.code, sentence)])


class InvalidLink(Invalid):
    """A link for a new password or a new address: wrong, used, expired, or for another purpose."""

    code, title = "accounts.invalid_link", "The link does not work"

    def __init__(self) -> None:
        sentence = "The link is wrong, expired or was used before; ask for a new one."
        super().__init__(sentence, errors=[FieldError("token", self.code, sentence)])


class WrongPassword(Invalid):
    """The current password, which changes of credentials ask for, is another one."""

    code, title = "accounts.wrong_password", "Wrong password"

    def __init__(self) -> None:
        sentence = "This is not the current password."
        super().__init__(sentence, errors=[FieldError("current_password", self.code, sentence)])


class PasswordsBusy(Unavailable):
    """More passwords are being checked than the machine bears; come back in a moment."""

    code, title = "accounts.passwords_busy", "Busy, try again"

    def __init__(self) -> None:
        super().__init__("Many people are signing in; try again.", headers={"Retry-After": "2"})


class WeakPassword(Invalid):
    """The password that was sent is refused."""

    code, title = "accounts.weak_password", "Choose another password"

    def __init__(self, faults: Iterable[str], path: str = "password") -> None:
        errors = [FieldError(path, self.code, fault) for fault in faults]
        super().__init__("Choose another password.", errors=errors)


class UsernameTaken(Invalid):
    """Somebody has this username."""

    code, title = "accounts.username_taken", "Username taken"

    def __init__(self) -> None:
        sentence = "This username is taken."
        super().__init__(sentence, errors=[FieldError("username", self.code, sentence)])


class EmailTaken(Conflict):
    """Somebody has this address. Only operators see it; the API never tells."""

    code, title = "accounts.email_taken", "Address taken"


class LastAdmin(Conflict):
    """Nobody would be left who may do everything."""

    code, title = "accounts.last_admin", "The last admin"

    def __init__(self) -> None:
        super().__init__("This is the last admin; make somebody else an admin first.")


class OwnAccount(Conflict):
    """Somebody else has to do this."""

    code, title = "accounts.own_account", "Not to oneself"

    def __init__(self) -> None:
        super().__init__("Nobody does this to their own account; ask a colleague.")


class RoleReserved(Forbidden):
    """Only admins grant and take away this role."""

    code, title = "accounts.role_reserved", "Reserved role"

    def __init__(self, role: str) -> None:
        super().__init__(f"Only an admin grants or takes away the role {role}.")


class AdminProtected(Forbidden):
    """Staff do not change the accounts of admins."""

    code, title = "accounts.admin_protected", "An admin's account"

    def __init__(self) -> None:
        super().__init__("Only an admin changes the account of an admin.")


class UnknownRole(Invalid):
    """No installed plugin knows this role."""

    code, title = "accounts.unknown_role", "Unknown role"

    def __init__(self, known: Iterable[str]) -> None:
        sentence = f"Known roles are {', '.join(sorted(known))}."
        super().__init__(sentence, errors=[FieldError("role", self.code, sentence)])


class AlreadySeller(Conflict):
    """The applicant sells here already."""

    code, title = "accounts.already_seller", "A seller already"

    def __init__(self) -> None:
        super().__init__("You are a seller already.")


class ApplicationOpen(Conflict):
    """One application at a time."""

    code, title = "accounts.application_open", "An application is open"

    def __init__(self) -> None:
        super().__init__("Your last application waits for its decision.")


class ApplicationDecided(Conflict):
    """Somebody has decided it already."""

    code, title = "accounts.application_decided", "Decided already"

    def __init__(self, status: str) -> None:
        super().__init__(f"This application was {status} already.", status_now=status)


class ScopeRefused(Invalid):
    """A key cannot do more than its owner, and some permissions are never a machine's."""

    code, title = "accounts.scope_refused", "A scope that cannot be given"

    def __init__(self, refused: Mapping[int, str]) -> None:
        errors = [FieldError(f"scopes[{index}]", self.code, text) for index, text in refused.items()]
        super().__init__("; ".join(refused.values()), errors=errors)


class TooManyKeys(Conflict):
    """Revoke a key that is not used any more first."""

    code, title = "accounts.too_many_keys", "Too many API keys"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} API keys already; revoke one first.")


class TooManyAddresses(Conflict):
    """Delete an address that is not used any more first."""

    code, title = "accounts.too_many_addresses", "Too many addresses"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} addresses already; delete one first.")


class ExportFailed(Unavailable):
    """A part of the person's data could not be read, so there is no document that would look complete."""

    code, title = "accounts.export_failed", "The export failed"

    def __init__(self, section: str) -> None:
        super().__init__(f"The data of {section} could not be read; try again later.")
