"""Folding: text as it is compared in a search, where case and accents make no difference.

One function serves what is kept and what is asked for, so that both are the same.
"""

from __future__ import annotations

import re
import unicodedata

# A word is a run of letters and digits, of any script.
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Return a text without accents and in one case (Unicode, 3.13 and annex 15), spaces as one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in decomposed if not unicodedata.combining(each))
    # NOTE: what is decomposed can have another case, like the letters in a circle.
    return " ".join(bare.casefold().split())


def words(text: str) -> list[str]:
    """Return the words of a text, folded, each once, in the order of the alphabet."""
    return sorted(set(_WORD.findall(folded(text))))
