"""`oomirror verify`: whether what the catalog says of the share is true, and how it becomes true again."""

from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.run import exit_code_of, verify
from mirror.app.verify.word import word_of

__all__ = ["VerifyRequest", "exit_code_of", "verify", "word_of"]
