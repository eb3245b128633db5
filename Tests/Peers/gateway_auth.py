"""Admission to the gateway double: device proof and credentials.

A refusal is a :class:`Refusal`: the error of the response, and the close that follows it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Optional

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

CLOCK_SKEW_MS = 120_000
# What JavaScript's trim removes.
_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818, it is an answer of the gateway
    """The connect request is refused."""

    code: str
    message: str
    details: Optional[dict[str, Any]] = None
    close_code: int = 1008
    close_reason: Optional[str] = None
    retry_after_ms: Optional[int] = None

    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        if self.retry_after_ms is not None:
            error["retryable"] = True
            error["retryAfterMs"] = self.retry_after_ms
        return error

    @property
    def reason(self) -> str:
        """At most 120 bytes of UTF-8."""
        text = self.message if self.close_reason is None else self.close_reason
        return text.encode()[:120].decode("utf-8", "ignore")


def trim(text: str) -> str:
    return text.strip(_BLANKS)


def _normalized_metadata(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), trim(value))


def _decoded(text: str) -> bytes:
    """Standard base64 or base64url, padded or not."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def raw_public_key(text: str) -> bytes:
    """The 32 bytes of a public key in any of the spellings that gateways accept."""
    if "BEGIN" in text:
        key = load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not an Ed25519 key")
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    raw = _decoded(text)
    if len(raw) != 32:
        raise ValueError("not 32 bytes")
    return raw


def signed_token(auth: dict[str, Any]) -> str:
    """The first that is present; an empty text is."""
    for name in ("token", "deviceToken", "bootstrapToken"):
        if auth.get(name) is not None:
            return str(auth[name])
    return ""


def signature_payloads(params: dict[str, Any], nonce: str) -> dict[str, str]:
    """What may have been signed, by version."""
    device, client = params["device"], params["client"]
    fields = [
        device["id"],
        client["id"],
        client["mode"],
        params.get("role", "operator"),
        ",".join(params.get("scopes", [])),
        str(device["signedAt"]),
        signed_token(params.get("auth", {})),
        nonce,
    ]
    metadata = [_normalized_metadata(client.get("platform")), _normalized_metadata(client.get("deviceFamily"))]
    return {"v3": "|".join(["v3", *fields, *metadata]), "v2": "|".join(["v2", *fields])}


def verify_device(params: dict[str, Any], challenge: str, now_ms: int) -> str:
    """Checks a device proof in the gateway's order; which payload version was signed."""
    device = params["device"]

    def refuse(reason: str, code: str, message: str) -> Refusal:
        return Refusal("INVALID_REQUEST", message, {"code": code, "reason": reason})

    try:
        key = raw_public_key(device["publicKey"])
    except (ValueError, binascii.Error):
        key = b""
    if hashlib.sha256(key).hexdigest() != device["id"]:
        raise refuse("device-id-mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch")
    if abs(now_ms - device["signedAt"]) > CLOCK_SKEW_MS:
        raise refuse("device-signature-stale", "DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired")
    nonce = trim(device["nonce"])
    if not nonce:
        raise refuse("device-nonce-missing", "DEVICE_AUTH_NONCE_REQUIRED", "device nonce required")
    if nonce != challenge:
        raise refuse("device-nonce-mismatch", "DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch")
    try:
        signature = _decoded(device["signature"])
    except (ValueError, binascii.Error):
        signature = b""
    for version, payload in signature_payloads(params, nonce).items():
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, payload.encode())
        except InvalidSignature:
            continue
        return version
    raise refuse("device-signature", "DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid")


@dataclass
class Credentials:
    """What a gateway asks for, and the device tokens that it has issued."""

    token: Optional[str] = None
    password: Optional[str] = None
    bootstrap_token: Optional[str] = None
    generation: str = "newest"
    device_tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    #: how often all device tokens were replaced
    rotations: int = 0

    @property
    def mode(self) -> str:
        return "token" if self.token is not None else "password" if self.password is not None else "none"

    def issue(self, device_id: str, role: str) -> str:
        token = hashlib.sha256(f"device token {device_id} {role} {self.rotations}".encode()).hexdigest()
        self.device_tokens[device_id, role] = token
        return token

    def rotate(self) -> None:
        """Every device token that was issued is worth nothing from now on."""
        self.rotations += 1
        self.device_tokens.clear()

    def shared_failure(self, auth: dict[str, Any]) -> Optional[str]:
        """Why the shared credential does not pass; ``None`` when it does."""
        if self.mode == "none":
            return None
        name, wanted = ("token", self.token) if self.mode == "token" else ("password", self.password)
        given = auth.get(name)
        if not given:
            return f"{name}_missing"
        return None if given == wanted else f"{name}_mismatch"

    def check(self, params: dict[str, Any]) -> None:
        """Raises what a client with no valid credential is told."""
        auth = params.get("auth", {})
        if self.bootstrap_token is not None and auth.get("bootstrapToken") == self.bootstrap_token:
            return
        reason = self.shared_failure(auth)
        if reason is None:
            return
        device = params.get("device")
        if device is not None:
            issued = self.device_tokens.get((device["id"], params.get("role", "operator")))
            candidate = auth.get("deviceToken") or auth.get("token")
            if issued is not None and candidate == issued:
                # The newest take what stands in auth.token for the shared token, whatever stands beside it.
                if self.generation == "newest" and not auth.get("deviceToken"):
                    raise refusal_for_reason("token_mismatch")
                return
            if auth.get("deviceToken"):
                reason = "device_token_mismatch"
        if auth.get("bootstrapToken") and not auth.get("token") and not auth.get("deviceToken"):
            reason = "bootstrap_token_invalid"
        can_retry = (
            reason == "token_mismatch"
            and device is not None
            and not auth.get("password")
            and not auth.get("deviceToken")
        )
        raise refusal_for_reason(reason, can_retry)


_HINTS = {"token": "provide gateway auth token", "password": "provide gateway auth password"}
_REASONS: dict[str, tuple[str, str, str]] = {
    "token_missing": (
        "AUTH_TOKEN_MISSING",
        "update_auth_configuration",
        f"unauthorized: gateway token missing ({_HINTS['token']})",
    ),
    "token_mismatch": (
        "AUTH_TOKEN_MISMATCH",
        "update_auth_credentials",
        f"unauthorized: gateway token mismatch ({_HINTS['token']})",
    ),
    "token_missing_config": (
        "AUTH_TOKEN_NOT_CONFIGURED",
        "update_auth_configuration",
        f"unauthorized: gateway token not configured on gateway ({_HINTS['token']})",
    ),
    "password_missing": (
        "AUTH_PASSWORD_MISSING",
        "update_auth_configuration",
        f"unauthorized: gateway password missing ({_HINTS['password']})",
    ),
    "password_mismatch": (
        "AUTH_PASSWORD_MISMATCH",
        "update_auth_credentials",
        f"unauthorized: gateway password mismatch ({_HINTS['password']})",
    ),
    "password_missing_config": (
        "AUTH_PASSWORD_NOT_CONFIGURED",
        "update_auth_configuration",
        f"unauthorized: gateway password not configured on gateway ({_HINTS['password']})",
    ),
    "bootstrap_token_invalid": (
        "AUTH_BOOTSTRAP_TOKEN_INVALID",
        "review_auth_configuration",
        f"unauthorized: bootstrap token invalid or expired ({_HINTS['token']})",
    ),
    "device_token_mismatch": (
        "AUTH_DEVICE_TOKEN_MISMATCH",
        "update_auth_credentials",
        "unauthorized: device token mismatch (rotate/reissue device token)",
    ),
    "scope_mismatch": (
        "AUTH_SCOPE_MISMATCH",
        "review_auth_configuration",
        "unauthorized: device token scope mismatch (re-pair the device)",
    ),
    "rate_limited": (
        "AUTH_RATE_LIMITED",
        "wait_then_retry",
        "unauthorized: too many failed authentication attempts (retry later)",
    ),
    "unauthorized": ("AUTH_UNAUTHORIZED", "review_auth_configuration", "unauthorized"),
    "none_given": ("AUTH_REQUIRED", "review_auth_configuration", "unauthorized"),
}
_DEVICE_PROOF = {
    "DEVICE_AUTH_INVALID": "device identity invalid",
    "DEVICE_AUTH_DEVICE_ID_MISMATCH": "device identity mismatch",
    "DEVICE_AUTH_SIGNATURE_EXPIRED": "device signature expired",
    "DEVICE_AUTH_NONCE_REQUIRED": "device nonce required",
    "DEVICE_AUTH_NONCE_MISMATCH": "device nonce mismatch",
    "DEVICE_AUTH_SIGNATURE_INVALID": "device signature invalid",
    "DEVICE_AUTH_PUBLIC_KEY_INVALID": "device public key invalid",
}


def refusal_for_reason(reason: str, can_retry: bool = False) -> Refusal:
    """A refusal by one of the gateway's reasons."""
    code, step, message = _REASONS[reason]
    return Refusal(
        "INVALID_REQUEST",
        message,
        {
            "code": code,
            "authReason": reason,
            "canRetryWithDeviceToken": can_retry,
            "recommendedNextStep": "retry_with_device_token" if can_retry else step,
        },
    )


def refusal_for_code(code: str, params: Optional[dict[str, Any]] = None) -> Refusal:
    """A refusal by its detail code: every one that a client must understand."""
    for reason, (known, _step, _message) in _REASONS.items():
        if known == code:
            return refusal_for_reason(reason)
    if code in _DEVICE_PROOF:
        return Refusal("INVALID_REQUEST", _DEVICE_PROOF[code], {"code": code})
    if code == "PAIRING_REQUIRED":
        return pairing_required(params or {}, "req-1")
    if code == "DEVICE_IDENTITY_REQUIRED":
        return Refusal("NOT_PAIRED", "device identity required", {"code": code})
    if code == "PROTOCOL_MISMATCH":
        return protocol_mismatch(params or {}, 4)
    if code == "CONTROL_UI_ORIGIN_NOT_ALLOWED":
        return Refusal("INVALID_REQUEST", "origin not allowed", {"code": code, "reason": "origin not allowed"})
    if code == "CLIENT_VERSION_MISMATCH":
        return Refusal("INVALID_REQUEST", "client version mismatch", {"code": code})
    return Refusal("INVALID_REQUEST", f"refused: {code}", {"code": code})


def pairing_required(params: dict[str, Any], request_id: str) -> Refusal:
    message = "pairing required: device is not approved yet"
    return Refusal(
        "NOT_PAIRED",
        message,
        {
            "code": "PAIRING_REQUIRED",
            "reason": "not-paired",
            "requestId": request_id,
            "deviceId": params.get("device", {}).get("id", ""),
            "requestedRole": params.get("role", "operator"),
            "requestedScopes": params.get("scopes", []),
        },
        close_reason=f"{message} (requestId: {request_id})",
    )


def protocol_mismatch(params: dict[str, Any], expected: int) -> Refusal:
    details: dict[str, Any] = {"expectedProtocol": expected}
    if expected >= 4:
        details = {
            "code": "PROTOCOL_MISMATCH",
            "clientMinProtocol": params.get("minProtocol", 0),
            "clientMaxProtocol": params.get("maxProtocol", 0),
            "expectedProtocol": expected,
            "minimumProbeProtocol": 3,
        }
    return Refusal("INVALID_REQUEST", "protocol mismatch", details, close_code=1002)


def starting() -> Refusal:
    return Refusal(
        "UNAVAILABLE",
        "gateway starting; retry shortly",
        {"reason": "startup-sidecars"},
        close_code=1013,
        close_reason="gateway starting",
        retry_after_ms=500,
    )


def restarting() -> Refusal:
    return Refusal(
        "UNAVAILABLE",
        "connect unavailable during gateway restart",
        {"method": "connect", "reason": "gateway-restarting", "phase": "restarting"},
        close_code=1013,
        close_reason="gateway restart in progress",
        retry_after_ms=1000,
    )
