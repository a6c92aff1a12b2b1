"""The one form in which an e-mail address or a username is compared.

What is stored for display keeps its letters; what is unique is the key: NFKC, then full case folding (Unicode
UAX #31, toNFKC_Casefold in spirit). Two addresses that look alike by case or compatibility forms are one
account, and mail always goes to the stored address, never to the one in a request.
"""

import unicodedata

from email_validator import EmailNotValidError, validate_email


def normalise_email(text: str, *, allow_test_domains: bool = False) -> str:
    """The address with a canonical domain (RFC 6531, IDNA 2008). Raises ValueError with a sentence."""
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=allow_test_domains)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return checked.normalized


def email_key(text: str) -> str:
    """What makes an address unique. Text that is no address has a key too, which belongs to nobody."""
    try:
        text = normalise_email(text, allow_test_domains=True)
    except ValueError:
        return text
    return folded(text)


def folded(text: str) -> str:
    """The text without differences of case, width or composition."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
