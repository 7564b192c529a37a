"""Who signs: the only place that opens a signing key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from settle.adapters.composition import Composed
from settle.adapters.private_key import private_key
from settle.adapters.signing import Algorithm, JwsSigning, MessageSigning, RsaSigning, Signing
from settle.adapters.signing_input import Sign, jws_headers, message_headers, rsa_headers
from settle.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

RSA_BITS_MIN = 2048

_OF_JWS = frozenset({Algorithm.RS256, Algorithm.PS256, Algorithm.ES256})


class Signer:
    """Signs the requests of one rail. The key is read each time, and parsed when it changed."""

    def __init__(self, signing: Signing) -> None:
        if not isinstance(signing, RsaSigning):
            for_jws = isinstance(signing, JwsSigning)
            if (signing.algorithm in _OF_JWS) != for_jws:
                raise ConfigError("the algorithm is of another kind of signature", key="algorithm")
        self._signing = signing
        self._parsed: tuple[str, PrivateKeyTypes] | None = None

    def headers(self, composed: Composed, *, scheme: str, now_s: float) -> Mapping[str, str]:
        """The headers that sign a request as it will stand on the wire at `now_s`, epoch seconds.

        Raises:
            ConfigError: the key cannot be found or used, or the form cannot be filled.
            BadInput: the request lacks what is to be signed.
        """
        match self._signing:
            case RsaSigning() as signing:
                return rsa_headers(signing, composed, now_s, self._by(Algorithm.RS256))
            case JwsSigning() as signing:
                return jws_headers(signing, composed, now_s, self._by(signing.algorithm))
            case MessageSigning() as signing:
                by = self._by(signing.algorithm)
                return message_headers(signing, composed, scheme, now_s, by)
            case _:
                assert_never(self._signing)

    def _by(self, algorithm: Algorithm) -> Sign:
        # The key is opened only when there is something to sign.
        return lambda data: _signature(self._key(), algorithm, data)

    def _key(self) -> PrivateKeyTypes:
        text = self._signing.key.reveal()
        if self._parsed is None or self._parsed[0] != text:
            self._parsed = (text, private_key(text))
        return self._parsed[1]


def _signature(key: PrivateKeyTypes, algorithm: Algorithm, data: bytes) -> bytes:
    match algorithm:
        case (
            Algorithm.RS256 | Algorithm.RSA_V1_5_SHA256 | Algorithm.PS256 | Algorithm.RSA_PSS_SHA512
        ):
            return _by_rsa(key, algorithm, data)
        case Algorithm.ES256 | Algorithm.ECDSA_P256_SHA256:
            return _by_p256(key, data)
        case Algorithm.ED25519:
            return _by_ed25519(key, data)
        case _:
            assert_never(algorithm)


def _by_rsa(key: PrivateKeyTypes, algorithm: Algorithm, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise ConfigError(f"{algorithm.value} needs an RSA key of {RSA_BITS_MIN} bits or more")
    digest = hashes.SHA512() if algorithm is Algorithm.RSA_PSS_SHA512 else hashes.SHA256()
    if algorithm in (Algorithm.RS256, Algorithm.RSA_V1_5_SHA256):
        return key.sign(data, PKCS1v15(), digest)
    return key.sign(data, PSS(mgf=MGF1(digest), salt_length=digest.digest_size), digest)


def _by_p256(key: PrivateKeyTypes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import (
        ECDSA,
        SECP256R1,
        EllipticCurvePrivateKey,
    )
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigError("the algorithm needs a key on the curve P-256")
    r, s = decode_dss_signature(key.sign(data, ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _by_ed25519(key: PrivateKeyTypes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the algorithm needs an Ed25519 key")
    return key.sign(data)
