"""An estimate of a text's tokens, offline and always the same, for models that bring no tokenizer of their own.

The rule: a run of letters, digits and underscores gives one token for each four characters begun, a character of a
script written without spaces (Chinese, Japanese, Thai, ...) gives one, and so does every other character that is not
white space. So "hello, world" has 2 + 1 + 2 tokens. It is meant for limits and budgets, not for bills.
"""

from __future__ import annotations

import re
from zlib import crc32

__all__ = ["estimated_token_ids"]

_UNSPACED = r"\u0e00-\u0fff\u1780-\u17ff\u2e80-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]{{1,4}}|\S")


def estimated_token_ids(text: str) -> list[int]:
    """Return an id for each token of the text by the rule above; equal pieces of text have equal ids.

    Args:
        text: The text.
    """
    return [crc32(piece.encode("utf-8", "surrogatepass")) for piece in _PIECE.findall(text)]
