"""What object storage says when something is wrong, as errors of nbtrack that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nbtrack.errors import (
    InvalidParameterError,
    NbtrackError,
    NotFoundError,
    ServerUnreachableError,
    StoreError,
)

DENIED = "PERMISSION_DENIED"
CHANGED = "PreconditionFailed"
"""The storage's code for: the object is another one than was asked for."""

_NO_KEY = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
_OLD_KEY = {
    "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "TokenRetrievalError",
    "UnauthorizedSSOTokenError", "SSOTokenLoadError", "LoginError", "LoginTokenLoadError",
    "RequestTimeTooSkewed",
}  # fmt: skip
_WRONG_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"}
_REFUSED = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"}
_ELSEWHERE = {
    "PermanentRedirect", "Redirect", "301", "307", "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
}  # fmt: skip
_NO_NETWORK = {
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
    "ConnectionError", "ProxyConnectionError", "HTTPClientError", "SSLError", "TimeoutError",
    "FSTimeoutError", "ClientConnectorError", "ClientPayloadError", "IncompleteReadError",
    "ResponseStreamingError", "SlowDown", "ServiceUnavailable", "InternalError", "500", "503",
}  # fmt: skip
_WRONG_NAME = {"InvalidBucketName", "ParamValidationError", "InvalidDNSNameError"}
_NO_OBJECT = {"NoSuchKey", "404", "NotFound"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"}


@contextmanager
def translated(
    bucket: str, key: str, endpoint: str | None, forget: Callable[[], None]
) -> Iterator[None]:
    """Turn what botocore and s3fs raise into an error of nbtrack, without their traceback.

    Parameters
    ----------
    bucket, key : str
    endpoint : str or None
        The address of the storage; None for Amazon's.
    forget : callable
        Called where the key was not good: the next request looks for another.
    """
    try:
        yield
    except NbtrackError:
        raise
    except Exception as error:  # noqa: BLE001  botocore, aiohttp and s3fs have errors of their own
        code = code_of(error)
        if code in _NO_KEY | _OLD_KEY | _WRONG_KEY | _REFUSED:
            forget()
        raise _error(code, str(error), bucket, key, _shown(endpoint)) from None


def code_of(error: BaseException) -> str:
    """Return the storage's code for what went wrong, else the name of the exception."""
    seen: BaseException | None = error
    while seen is not None:
        response = getattr(seen, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
            if code:
                return str(code)
        seen = seen.__cause__
    return type(error).__name__


def _error(code: str, text: str, bucket: str, key: str, endpoint: str) -> NbtrackError:
    where = f"s3://{bucket}/{key}" if key else f"s3://{bucket}"
    if code in _NO_OBJECT or (code == "FileNotFoundError" and key):
        return NotFoundError(f"No such artifact: {where}. See list_artifacts.", storage_code=code)
    if code in ("NoSuchUpload", "InvalidPart", CHANGED, "412"):
        return StoreError(
            f"{where} has been changed by somebody else meanwhile. Try again.",
            storage_code=CHANGED if code == "412" else code,
        )
    if code in ("NoSuchBucket", "FileNotFoundError"):
        return NotFoundError(
            f"There is no bucket {bucket!r} at {endpoint}. Check its name and the endpoint "
            "(AWS_ENDPOINT_URL)."
        )
    if code in _NO_KEY:
        return StoreError(
            f"{where} needs a key, and there is none: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
            DENIED,
        )
    if code == "ProfileNotFound":
        return StoreError(f"{text}. Check AWS_PROFILE and ~/.aws/config.", DENIED)
    if code in _OLD_KEY:
        return StoreError(
            f"The key for {where} is not good any more ({code}). Sign in again (aws sso login), or "
            "set a new key.",
            DENIED,
        )
    if code in _WRONG_KEY:
        return StoreError(
            f"{endpoint} does not know the key for {where} ({code}). Check AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY, AWS_PROFILE and AWS_ENDPOINT_URL.",
            DENIED,
        )
    if code in _REFUSED:
        return StoreError(
            f"{endpoint} refuses {where} to your key ({code}). Ask for the right to list, read, "
            "write and delete there, or use another key (AWS_PROFILE).",
            DENIED,
        )
    if code in _ELSEWHERE:
        return StoreError(
            f"The bucket {bucket!r} is in another region ({code}): set AWS_DEFAULT_REGION to it."
        )
    if code in _WRONG_NAME:
        return InvalidParameterError(f"{bucket!r} cannot be the name of a bucket ({where}).")
    if code in _FULL:
        return StoreError(f"{endpoint} has no room for {where} ({code}).", "RESOURCE_EXHAUSTED")
    if code in _NO_NETWORK:
        return ServerUnreachableError(
            f"{endpoint} does not answer for {where} ({code}). Check the network and the endpoint "
            "(AWS_ENDPOINT_URL), and try again."
        )
    if code == "ResponseParserError" or "Invalid endpoint" in text:
        return StoreError(
            f"{endpoint} is no object storage. Check AWS_ENDPOINT_URL and MLFLOW_S3_ENDPOINT_URL."
        )
    return StoreError(f"Artifact {where} cannot be used at {endpoint}: {code}: {text[:300]}")


def _shown(endpoint: str | None) -> str:
    if not endpoint:
        return "Amazon S3"
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else endpoint
