"""A certificate for the loopback address, so that TLS-only policies hold on one machine too."""

import datetime
import ipaddress
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = datetime.timedelta(days=365)
RENEW = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Certificate:
    """Files of one certificate.

    Attributes:
        certificate: PEM file.
        key: PEM file, readable by its owner only.
        bundle: the system's certificate authorities and this certificate.
    """

    certificate: Path
    key: Path
    bundle: Path


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.replace(path)


def _fresh(path: Path) -> bool:
    if not path.is_file():
        return False
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end - datetime.datetime.now(datetime.UTC) > RENEW


def _make(files: Certificate) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sevenlens embedded aws")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("localhost"),
                    x509.DNSName("*.localhost"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(
        files.key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def ensure_certificate(folder: Path) -> Certificate:
    """Return the folder's certificate, made now if there is none or it is about to end."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Certificate(folder / "server.crt", folder / "server.key", folder / "bundle.pem")
    if not (_fresh(files.certificate) and files.key.is_file()):
        _make(files)
    system = ssl.get_default_verify_paths().cafile
    roots = Path(system).read_bytes() if system and Path(system).is_file() else b""
    _write(files.bundle, roots + b"\n" + files.certificate.read_bytes())
    return files
