"""The keys for encrypted arguments: RSA-OAEP with SHA-256, which Vapi calls `RSA-OAEP-256`."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# What is below can be factored by those with the means.
_MIN_BITS = 2048

_NOT_ENCRYPTED = (
    "it came unencrypted; does the tool at Vapi have server.encryptedPaths, and a "
    "server.credentialId with an encryptionPlan?"
)
_NO_KEY_FITS = (
    "no private key here opens it; is the public half of one of them in Vapi's credential?"
)
_NO_TEXT = "it was encrypted, but what it holds is no text"


class UnreadableError(Exception):
    """A value does not decrypt. The text is the likely reason, for the log; it holds no value."""


class PrivateKeys:
    """The private keys that arguments are decrypted with. Each is tried.

    Args:
        pems: PEM texts; several while a key is being rotated.

    Raises:
        SettingsError: One of them is no RSA key of 2048 bits or more, or `cryptography` is missing.
    """

    def __init__(self, pems: Iterable[str]) -> None:
        self._keys = [_read(pem, f"decryption key {i}") for i, pem in enumerate(pems, 1)]

    def decrypt(self, value: object) -> str:
        """The text behind a value as Vapi sends it: base64 of the ciphertext.

        Raises:
            UnreadableError: It is something else, or was encrypted for another key.
        """
        ciphertext = _from_base64(value)
        for key in self._keys:
            plain = _decrypted(key, ciphertext)
            if plain is not None:
                return _text(plain)
        raise UnreadableError(_NO_KEY_FITS)

    def encrypt(self, text: str) -> str:
        """What Vapi sends for a text when it has the public half of the first key.

        Raises:
            ValueError: The text is longer than the key can take.
        """
        ciphertext = self._keys[0].public_key().encrypt(text.encode(errors="replace"), _oaep())
        return base64.b64encode(ciphertext).decode()

    def __repr__(self) -> str:
        return f"PrivateKeys({len(self._keys)} keys)"


def make_private_key() -> str:
    """A new private key, as PEM text.

    Raises:
        SettingsError: `cryptography` is missing.
    """
    with _explaining_what_is_missing():
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(public_exponent=65537, key_size=_MIN_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def _read(pem: str, name: str) -> RSAPrivateKey:
    with _explaining_what_is_missing():
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    # From None: what the library says of a key is nobody's business.
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{name} cannot be read; it must be a private RSA key in PEM, without a password"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(f"{name} is no RSA key, and Vapi encrypts with RSA only")
    if key.key_size < _MIN_BITS:
        raise SettingsError(f"{name} has {key.key_size} bits; it must have {_MIN_BITS} or more")
    return key


@contextmanager
def _explaining_what_is_missing() -> Generator[None, None, None]:
    try:
        yield
    except ImportError:
        raise SettingsError(
            "encrypted arguments need the package cryptography: pip install 'vapitools[crypto]'"
        ) from None


def _oaep() -> OAEP:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise UnreadableError(_NOT_ENCRYPTED)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise UnreadableError(_NOT_ENCRYPTED) from None


def _decrypted(key: RSAPrivateKey, ciphertext: bytes) -> bytes | None:
    try:
        return key.decrypt(ciphertext, _oaep())
    except ValueError:
        return None


def _text(plain: bytes) -> str:
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise UnreadableError(_NO_TEXT) from None
