"""An independent check of AWS Signature Version 4, written from the published algorithm.

It takes the request as it arrived: the path is encoded once more for the canonical request, so `:` in a model id, sent
as `%3A`, is signed as `%253A`. It shares no code with botocore: a test against it proves a signature, not an agreement.
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from ._http import HttpRequest

__all__ = ["Keyring", "Verdict"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "bedrock"
"""The signing name of all three Bedrock services."""
_LONGEST_SKEW = datetime.timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of one request found, and the error that AWS would answer; `code` is None when it is let in."""

    text: str
    """`valid`, `bearer`, `none` (nothing was sent) or `invalid: ` and the reason."""
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Key:
    secret: str
    session_token: str | None
    expired: bool


@dataclass(slots=True)
class Keyring:
    """The keys that a server knows."""

    _keys: dict[str, _Key] = field(default_factory=dict)
    _bearers: dict[str, bool] = field(default_factory=dict)

    def add(self, access_key: str, secret: str, session_token: str | None = None, *, expired: bool = False) -> None:
        """Know an access key, or change what is known of it.

        Args:
            access_key: Its id.
            secret: Its secret.
            session_token: The token that must come with it.
            expired: Whether requests with it are refused as expired.
        """
        self._keys[access_key] = _Key(secret, session_token, expired)

    def add_bearer(self, key: str, *, expired: bool = False) -> None:
        """Know a Bedrock API key.

        Args:
            key: The key.
            expired: Whether requests with it are refused as expired.
        """
        self._bearers[key] = expired

    def copy(self) -> "Keyring":
        """Return a keyring with the same keys."""
        return Keyring(dict(self._keys), dict(self._bearers))

    def check(self, request: HttpRequest) -> Verdict:
        """Return what a request's `Authorization` is worth.

        Args:
            request: The request as it arrived.
        """
        sent = request.headers.get("authorization")
        if sent is None:
            return Verdict("none", "MissingAuthenticationTokenException", "Missing Authentication Token")
        if sent.lower().startswith("bearer "):
            return self._check_bearer(sent[7:].strip())
        match = _AUTHORIZATION.fullmatch(sent)
        scope = match["credential"].split("/") if match else []
        if match is None or len(scope) != 5:
            return _refused("IncompleteSignatureException", f"{sent.split(' ')[0]!r} with missing or malformed parts")
        key = self._keys.get(scope[0])
        if key is None:
            return Verdict("invalid: unknown access key", "UnrecognizedClientException", _INVALID_TOKEN)
        why = _why_wrong(request, scope, match["headers"].split(";"), match["signature"], key)
        if why:
            return _refused("InvalidSignatureException", why)
        if key.session_token != request.headers.get("x-amz-security-token"):
            return Verdict("invalid: wrong session token", "UnrecognizedClientException", _INVALID_TOKEN)
        if key.expired:
            return Verdict("invalid: expired token", "ExpiredTokenException", _EXPIRED_TOKEN)
        return Verdict("valid")

    def _check_bearer(self, key: str) -> Verdict:
        if key not in self._bearers:
            return Verdict(
                "invalid: unknown API key", "AccessDeniedException", "Authentication failed: API Key is invalid"
            )
        if self._bearers[key]:
            return Verdict("invalid: expired API key", "AccessDeniedException", "Bearer Token has expired")
        return Verdict("bearer")


_INVALID_TOKEN = "The security token included in the request is invalid."
_EXPIRED_TOKEN = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def _refused(code: str, why: str) -> Verdict:
    return Verdict(f"invalid: {why}", code, _MISMATCH if why == "signature" else why)


def _why_wrong(request: HttpRequest, scope: list[str], signed: list[str], signature: str, key: _Key) -> str | None:
    """Return what is wrong with a signature, or None."""
    _, date, region, service, end = scope
    if (service, end) != (_SERVICE, "aws4_request"):
        return f"the credential scope is {'/'.join(scope[1:])!r}, expected service {_SERVICE!r} and 'aws4_request'"
    when = request.headers.get("x-amz-date", "")
    if why := _why_wrong_date(when, date):
        return why
    if signed != sorted(signed):
        return "the signed headers are not sorted"
    must = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if missing := sorted(must - set(signed)):
        return f"{missing[0]!r} must be a signed header"
    if absent := [name for name in signed if name not in request.headers]:
        return f"the signed header {absent[0]!r} was not sent"
    digest = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", digest) != digest:
        return "x-amz-content-sha256 is not the body's hash"
    canonical = _canonical_request(request, signed, digest)
    stated = "\n".join([_ALGORITHM, when, "/".join(scope[1:]), hashlib.sha256(canonical.encode()).hexdigest()])
    signing_key = f"AWS4{key.secret}".encode()
    for part in (date, region, service, end):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    right = hmac.digest(signing_key, stated.encode(), "sha256").hex()
    return None if hmac.compare_digest(right, signature) else "signature"


def _why_wrong_date(when: str, date: str) -> str | None:
    try:
        sent = datetime.datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        return f"X-Amz-Date is {when!r}, expected YYYYMMDDTHHMMSSZ"
    if when[:8] != date:
        return f"the credential scope's date {date!r} is not that of X-Amz-Date, {when!r}"
    if abs(datetime.datetime.now(datetime.UTC) - sent) > _LONGEST_SKEW:
        return f"Signature expired: {when} is more than 15 minutes from now"
    return None


def _canonical_request(request: HttpRequest, signed: list[str], digest: str) -> str:
    path, _, query = request.target.partition("?")
    headers = "".join(f"{name}:{_trimmed(request.headers, name)}\n" for name in signed)
    parts = [request.method, quote(path, safe="/-_.~"), _canonical_query(query), headers, ";".join(signed), digest]
    return "\n".join(parts)


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(f"{n}={v}" for n, v in sorted((_encoded(name), _encoded(value)) for name, _, value in pairs))


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _trimmed(headers: Mapping[str, str], name: str) -> str:
    return " ".join(headers[name].split())
