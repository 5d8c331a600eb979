"""What other libraries' exceptions say, fit to be shown: one line, and no password in it."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)[^/\s]*@")
"""Up to the last @ of the host's part: a password may have one, too."""


def words_of(error: BaseException) -> str:
    """Return an exception's text in one line of at most 200 characters; its class where it says nothing.

    >>> words_of(OSError("no way through http://ada:secret@proxy.lab:3128"))
    'no way through http://proxy.lab:3128'
    """
    return without_passwords(" ".join(str(error).split()))[:200] or type(error).__name__


def without_passwords(text: str) -> str:
    """Return the text with the users and passwords of its URLs taken out.

    >>> without_passwords("http://ada:s@cret@proxy.lab:3128/a@b")
    'http://proxy.lab:3128/a@b'
    """
    return _PASSWORD.sub("", text)
