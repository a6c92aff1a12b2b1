"""What can go wrong, for API clients."""

from collections.abc import Iterable

from nexus_kernel import Conflict, FieldError, Invalid, Unauthorized, Unavailable


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
