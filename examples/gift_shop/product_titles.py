"""Turn the upper-case descriptions of a till system into titles that people like to read."""

import re
from collections.abc import Mapping

ARTICLES = frozenset({"a", "an", "de", "du", "the"})
SMALL_WORDS = ARTICLES | {"and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "or", "to", "with"}
SPELLED_OUT = {
    "ASS": "Assorted",
    "ASST": "Assorted",
    "ASSTD": "Assorted",
    "ANT": "Antique",
    "B'FLY": "Butterfly",
    "C/COVER": "Cushion Cover",
    "COL": "Colour",
    "DES": "Designs",
    "HLDR": "Holder",
    "LT": "Light",
    "NECKLAC": "Necklace",
    "P'WEIGHT": "Paperweight",
    "RND": "Round",
    "TURQ": "Turquoise",
    "VINT": "Vintage",
    "VIPPASSPORT": "VIP Passport",
    "W": "with",
    "XMAS": "Christmas",
}
FIXED_SPELLING = {
    "IPOD": "iPod",
    "'N'": "'n'",
    "D'AZURE": "d'Azure",
    "DOTCOMGIFTSHOP.COM": "Dotcomgiftshop.com",
}
CAPITALS = frozenset({"ABC", "CD", "DIY", "LED", "TV", "UK", "USB", "VIP", "WC"})
UNITS = frozenset({"cm", "g", "kg", "m", "ml", "mm", "pc", "s"})

_REMARK_WORD = re.compile(
    "adjust(ed|ment)?|amazon|bad|barcode|breakages|broken|check(ed)?|counted|crushed|damaged?|damages|debt|"
    "destroyed|dotcom|ebay|faulty|found|incorrect(ly)?|manual|missing|mixed|mouldy|returned|rusty|samples?|"
    "smashed|sold|stock|test|thrown|unsaleable|wet|wrong"
)
_LETTERS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")
_SET_OF = re.compile(r"^(?:S|(SET|PACK|BOX))/(\d+)$")
_SPACING = (
    (re.compile(r"^[\s*]+|[\s,.]+$"), ""),
    (re.compile(r"\s*,\s*"), ", "),
    (re.compile(r"\bW/(?=[A-Z])"), "W "),
    (re.compile(r"\bSET ?(?:OF)?(?=\d)"), "SET/"),
    (re.compile(r"\b([A-Z]{3,})\.?(?=\d+\")"), r"\1 "),
    (re.compile(r"(?<=\d)(?=[A-Z]{4,})"), " "),
    (re.compile(r"(?<=\d\")(?=[A-Z])"), " "),
    (re.compile(r"(?<=[A-Z])([(\"])(?=[A-Z]{2})"), r" \1"),
    (re.compile(r"\s+"), " "),
)


def is_remark(description: str) -> bool:
    """Tell a warehouse remark ("?", "damaged", "found in box", "CHECK") from the name of a product.

    A remark is empty, holds a question mark, holds no capital letter, or consists of nothing but the words
    and numbers that bookkeepers use.
    """
    words = re.findall(r"[a-z]+", description.lower())
    if not words or "?" in description or description == description.lower():
        return True
    return all(_REMARK_WORD.fullmatch(word) for word in words)


def choose_description(counts: Mapping[str, int]) -> str | None:
    """The most frequent description that is no remark (ties: the alphabetically first); None without one."""
    names = [name for name in counts if not is_remark(name)]
    return min(names, key=lambda name: (-counts[name], name), default=None)


def readable_title(description: str) -> str:
    """Write a description in title case.

    Small words are lower case unless they come first or last, units follow their number in lower case
    (``40cm``), ``S/4`` and ``SET/4`` become ``Set of 4``, the usual abbreviations are spelled out, and names
    such as ``T-Light``, ``3D``, ``A5`` or ``LED`` keep their capitals.
    """
    text = description.upper()
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    words = [_word(word) for word in text.split(" ")]
    for end in (0, -1):
        words[end] = words[end][:1].upper() + words[end][1:] if words[end].islower() else words[end]
    return " ".join(words)


def _word(word: str) -> str:
    bare = word.rstrip(",.")
    tail = word[len(bare) :]
    if match := _SET_OF.match(bare):
        return f"{(match[1] or 'SET').capitalize()} of {match[2]}{tail}"
    if bare in SPELLED_OUT:
        return SPELLED_OUT[bare] + tail.replace(".", "")
    if bare in FIXED_SPELLING:
        return FIXED_SPELLING[bare] + tail
    if word.lower() in SMALL_WORDS:
        return word.lower()
    if bare[:1].isdigit():
        return _measure(word)
    return _LETTERS.sub(_capitalised, word)


def _capitalised(match: re.Match[str]) -> str:
    letters = match[0]
    return letters if letters in CAPITALS else letters.capitalize()


def _measure(word: str) -> str:
    """``30CMX30CM`` -> ``30cmx30cm``; a letter that is no unit stays (``3D``, ``25W``)."""
    word = re.sub(r"(?<=\d)(CM|MM)?X(?=\d)", lambda match: match[0].lower(), word)
    return re.sub(
        r"(?<=\d)'?[A-Z]+",
        lambda match: match[0].lower() if match[0].lower().lstrip("'") in UNITS else match[0],
        word,
    )
