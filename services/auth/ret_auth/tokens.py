"""Tokens: access tokens that services verify by themselves, and opaque ones that auth alone knows, by their hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ret_auth.errors import SealBroken
from ret_auth.policy import Role

ISSUER, AUDIENCE, TYPE, ALGORITHM = "ret-auth", "ret", "at+jwt", "EdDSA"
TOKEN_BYTES = 32  # 256 bit
NONCE_BYTES = 12  # AES-GCM


def new_token() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of an opaque token. A plain hash will do: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


class Secret:
    """RET_AUTH_KEY_SECRET, from which every use gets a key of its own (HKDF-SHA256)."""

    def __init__(self, secret: str) -> None:
        self._successor = _derived(secret, "refresh successor")
        self._subject = _derived(secret, "lock-out subject")
        self._reset = _derived(secret, "reset token")
        self._seal = AESGCM(_derived(secret, "signing key seal"))

    def successor(self, parent: str, nonce: str) -> str:
        """The refresh token that follows `parent`: not kept anywhere, yet the same every time it is asked for."""
        return _mac(self._successor, nonce, parent)

    def reset_token(self, session_id: str, key: str) -> str:
        """The reset token of an idempotent request, so that the repeated request gets the same one."""
        return _mac(self._reset, session_id, key)

    def subject(self, kind: str, subject: str) -> str:
        """What wrong passwords are counted under. Keyed, because people type passwords where the user name belongs."""
        return _mac(self._subject, kind, subject)

    def seal(self, data: bytes, name: str) -> bytes:
        """Encrypt, bound to a name (AES-256-GCM, nonce first)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, data, name.encode())

    def unseal(self, sealed: bytes, name: str) -> bytes:
        """The data that was sealed under this name; raises SealBroken."""
        try:
            return self._seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise SealBroken(f"the signing key {name} was sealed with another secret") from None


def _derived(secret: str, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"ret-auth {purpose}".encode()).derive(secret.encode())


def _mac(key: bytes, *parts: str) -> str:
    # Lengths go in as well: ("ab", "c") is not ("a", "bc").
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key and its id."""

    kid: str
    private: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Self:
        """A fresh key."""
        return cls(uuid4().hex, Ed25519PrivateKey.generate())

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    def sealed(self, secret: Secret) -> bytes:
        """The private key as it is kept in SQL."""
        return secret.seal(self.private.private_bytes_raw(), self.kid)

    @classmethod
    def opened(cls, kid: str, sealed: bytes, secret: Secret) -> Self:
        """The key that was sealed; raises SealBroken."""
        return cls(kid, Ed25519PrivateKey.from_private_bytes(secret.unseal(sealed, kid)))


@dataclass(frozen=True)
class Bearer:
    """Whom an access token is for."""

    user_id: str
    session_id: str
    role: Role
    must_change_password: bool


def access_token(key: SigningKey, bearer: Bearer, now_ms: int, lifetime_s: int) -> str:
    """A signed access token (RFC 9068) that is good from `now_ms` for `lifetime_s` seconds."""
    now = now_ms // 1000
    claims: dict[str, str | int | bool] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": bearer.user_id,
        "sid": bearer.session_id,
        "role": bearer.role.value,
        "mcp": bearer.must_change_password,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_s,
        "jti": uuid4().hex,
    }
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid, "typ": TYPE})
