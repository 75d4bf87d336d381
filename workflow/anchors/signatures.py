"""Who signed some bytes?

Ed25519 (RFC 8032). The library is loaded by the first key that is needed: it
takes as long as a short command, and most commands sign nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class NotAKeyError(ValueError):
    """A text holds no private key for Ed25519."""


class Signer:
    """A private key, and the public one with which others verify."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """Return the signature of some bytes, in hex."""
        return self._key.sign(content).hex()

    def written(self) -> bytes:
        """Return the key as a file holds it: PKCS #8, PEM, without a passphrase.

        A worker signs by night, when nobody is there to type one.
        """
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see the module

        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def fresh() -> Signer:
    """Make a key.

    Its chance is that of the library and not the ambient's: a key that a
    rehearsal could repeat would be no secret.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - see the module

    return Signer(ed25519.Ed25519PrivateKey.generate())


def read(content: bytes) -> Signer:
    """Read a key from what its file holds.

    Raises:
        NotAKeyError: it holds none, or one of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - see the module

    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotAKeyError from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise NotAKeyError
    return Signer(key)


def holds(content: bytes, signature: object, key: object) -> bool:
    """Tell whether a signature of some bytes is that of a public key, both in hex."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see the module
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - see the module

    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(key)))
        public.verify(bytes.fromhex(str(signature)), content)
    except (ValueError, InvalidSignature):
        return False
    return True
