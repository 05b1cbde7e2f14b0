"""Certificates for tests: an authority of one's own, and a server's of it for the loopback. They hold for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Certificates(NamedTuple):
    """PEM files: the authority's certificate, the server's, its key, and key and certificates of the server in one."""

    authority: Path
    server: Path
    key: Path
    chain: Path


def certificates(folder: Path) -> Certificates:
    """Make them in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _signed("an authority for tests", ours, None, ours)
    server = _signed("localhost", theirs, authority, ours)
    made = Certificates(*(folder / name for name in ("ca.pem", "server.pem", "server.key", "chain.pem")))
    signed = server.public_bytes(Encoding.PEM)
    key = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    made.server.write_bytes(signed)
    made.key.write_bytes(key)
    made.chain.write_bytes(key + signed + authority.public_bytes(Encoding.PEM))
    return made


def _signed(
    name: str, key: ec.EllipticCurvePrivateKey, by: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """A certificate of a name; without ``by`` an authority's, signed by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.subject if by is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(names, critical=False)
    )
    return made.sign(signer, SHA256())
