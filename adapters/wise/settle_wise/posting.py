"""What the simulated rail posts: each change of a transfer's state, signed with its private key."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from settle_wise import views
from settle_wise.books import Books


def changes(books: Books, *, profile: int) -> Iterator[bytes]:
    """The body of each event up to now, transfer by transfer, in the order of its states."""
    now = books.now
    for made in list(books.transfers.values()):
        before = None
        for at, state in made.steps(now):
            view = views.event(made, profile=profile, before=before, at=at, state=state)
            yield views.written(view)
            before = state


def signed(content: bytes, *, key: str) -> Mapping[str, str]:
    """The headers of a delivery. `key`: the private key, in PEM."""
    private = load_pem_private_key(key.encode(), password=None)
    assert isinstance(private, RSAPrivateKey)
    signature = base64.b64encode(private.sign(content, PKCS1v15(), SHA256())).decode()
    delivery = str(uuid.uuid5(uuid.NAMESPACE_URL, signature))
    return {"x-signature-sha256": signature, "x-delivery-id": delivery}
