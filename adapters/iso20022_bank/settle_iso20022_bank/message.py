"""ISO 20022 XML, written and read: elements by path, text that fits, hostile input refused."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from lxml import etree

from settle.errors import DocumentError

Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name


def document(namespace: str, root: str) -> Element:
    """The message's root inside a fresh `Document`. This fixes the default namespace."""
    # The stubs know no default namespace; lxml takes None for it.
    outer = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})  # type: ignore[dict-item]
    return add(outer, root)


def add(parent: Element, path: str, text: str | None = None, **attributes: str) -> Element:
    """Add the elements of `path` below `parent`, the last with text. This returns the last."""
    namespace = parent.tag[: parent.tag.index("}") + 1]
    for name in path.split("/"):
        parent = etree.SubElement(parent, namespace + name)
    parent.text = text
    for key, value in attributes.items():
        parent.set(key, value)
    return parent


def serialised(message: Element) -> bytes:
    """The whole document as UTF-8. This is the same for the same elements."""
    return etree.tostring(message.getroottree(), xml_declaration=True, encoding="UTF-8")


def parsed(content: bytes) -> Element:
    """The root of a hostile document. This resolves nothing and refuses every DTD.

    Raises:
        DocumentError: not XML, or with a document type declaration.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"the message is not XML: {str(error)[:200]}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentError("the message declares a document type, which ISO 20022 has not")
    return root


def every(parent: Element, path: str) -> list[Element]:
    """All elements at `path`, whatever version of the namespace they are in."""
    return parent.findall(_any_namespace(path))


def text(parent: Element, path: str) -> str:
    """The text at `path`, stripped. This is empty where there is none."""
    return (parent.findtext(_any_namespace(path)) or "").strip()


def escaped(value: str) -> str:
    """Text as it stands in an element. This is what lxml writes for it.

    Raises:
        ValueError: it holds a character that XML has not.
    """
    if _UNWRITTEN.search(value):
        raise ValueError("a text holds a character that XML has not")
    if not _MARKUP.search(value):
        return value
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        value = value.replace(sign, entity)
    return value


_MARKUP = re.compile(r"[&<>\r]")
_UNWRITTEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no character of XML 1.0, section 2.2."""


def fitted(value: str, length: int) -> str:
    """Text that XML and the bank take: no control characters, at most `length` characters."""
    composed = value if value.isascii() else unicodedata.normalize("NFC", value)
    if not composed.isprintable():
        composed = "".join(map(_printable, composed))
    return " ".join(composed.split())[:length].rstrip()


def _printable(sign: str) -> str:
    if sign.isprintable():
        return sign
    return " " if unicodedata.category(sign) in ("Cc", "Zs", "Zl", "Zp") else ""


_VALUES = str.maketrans({chr(ord("A") + nth): str(10 + nth) for nth in range(26)})
"""What letters count as in ISO 7064, mod 97-10."""


_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def iban(account: str) -> str | None:
    """The account as an IBAN, if its form and check digits (ISO 13616) are one's."""
    compact = account.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return None
    return compact if int((compact[4:] + compact[:4]).translate(_VALUES)) % 97 == 1 else None


def add_account(parent: Element, path: str, account: str) -> Element:
    """An account by IBAN, or by its local number where it is none. This returns its element."""
    holder = add(parent, path)
    if number := iban(account):
        add(holder, "Id/IBAN", number)
    else:
        add(holder, "Id/Othr/Id", fitted(account, 34))
    return holder


@lru_cache(maxsize=256)
def _any_namespace(path: str) -> str:
    return "/".join("{*}" + name for name in path.split("/"))
