"""AWS credentials as botocore's chain finds them, for both libraries that sign; what goes wrong there, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mirror.errors import MirrorError, UsageError
from mirror.store.connection import Connection
from mirror.store.words import words_of

if TYPE_CHECKING:
    from obstore.store import S3Credential

_ASKED_AGAIN_AFTER = timedelta(seconds=60)
"""obstore's own provider keeps what it got for half an hour, though it may expire before: botocore knows when to renew,
and to ask it costs nothing."""


class CredentialProvider:
    """Gives obstore the credentials of a profile, or of AWS's chain; renewed by botocore before they expire.

    Raises
    ------
    UsageError
        There are none.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._credentials: Any = None
        self.error: MirrorError | None = None
        """Why there were none when obstore asked last; obstore itself tells only that there were none."""
        with credential_errors(connection):
            self._credentials = self._found()

    def __call__(self) -> S3Credential:
        """Return what is good now. Raises UsageError; see `error`."""
        try:
            with credential_errors(self._connection):
                frozen = self._credentials.get_frozen_credentials()
        except MirrorError as error:
            self.error = error
            raise
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            "expires_at": datetime.now(UTC) + _ASKED_AGAIN_AFTER,
        }

    def _found(self) -> Any:
        import boto3
        from botocore.exceptions import NoCredentialsError

        credentials = boto3.Session(profile_name=self._connection.profile).get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return credentials


@contextmanager
def credential_errors(connection: Connection) -> Iterator[None]:
    """Raise UsageError for whatever keeps botocore from having credentials.

    For code that looks for credentials and does nothing else: a program that a profile names may be missing, fail,
    print no JSON or keys that have expired, and botocore passes on what that raises, of any class.
    """
    try:
        yield
    except (MirrorError, MemoryError):
        raise
    except Exception as error:
        raise error_of_credentials(error, connection) from error


def error_of_credentials(error: Exception, connection: Connection) -> UsageError:
    """Return what to tell the user of credentials that cannot be had."""
    from botocore.exceptions import NoCredentialsError

    if isinstance(error, NoCredentialsError):
        return UsageError(
            "cannot sign requests: no AWS credentials",
            str(connection.url),
            found=words_of(error),
            hint="Set anonymous = true for a public bucket, or profile, or the AWS_* variables.",
        )
    of_profile = f" --profile {connection.profile}" if connection.profile else ""
    return UsageError(
        f"cannot use the AWS profile {connection.profile}" if connection.profile else "cannot use the AWS credentials",
        str(connection.url),
        found=words_of(error),
        hint=f"`aws configure list{of_profile}` shows where they come from.",
    )
