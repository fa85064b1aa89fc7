"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tls:
    """How libpq is told. `verify-full` looks at the chain and the name; `require` encrypts and takes any server for the
    right one; `disable` is no TLS."""

    mode: str
    root_cert: str | None = None
    """PEM file of the authorities to trust."""


def read_tls(env: Mapping[str, str], faults: list[str]) -> Tls:
    """What is wrong with PGSSLMODE or PGSSLROOTCERT is added to `faults`."""
    mode, file = env.get("PGSSLMODE") or "verify-full", env.get("PGSSLROOTCERT")
    if mode == "disable":
        return Tls("disable")
    if mode == "no-verify":
        if file:
            faults.append("PGSSLMODE=no-verify looks at no certificate: leave out PGSSLROOTCERT")
        # Named so that libpq does not find a file in somebody's home, which would make `require` verify after all.
        tls = Tls("require", os.devnull + "/none")
        if fault := explain_no_verify(env.get("PGHOST") or "", tls):
            faults.append(fault)
        return tls
    if mode != "verify-full":
        faults.append(
            f"PGSSLMODE={mode} does not verify which server answers: "
            "use verify-full, with PGSSLROOTCERT for a private CA"
        )
    if not file or file == "system":
        return Tls("verify-full", system_authorities())
    # A file that was deployed beside the code, wherever Lambda puts that.
    path = os.path.join(env.get("LAMBDA_TASK_ROOT") or "", file)
    if not os.access(path, os.R_OK):
        faults.append(f"PGSSLROOTCERT={file} cannot be read")
    return Tls("verify-full", path)


def _is_rds(host: str) -> bool:
    return re.search(r"\.rds\.amazonaws\.com(\.cn)?$", host, re.IGNORECASE) is not None


def explain_no_verify(host: str, tls: Tls) -> str | None:
    """Only for servers that sign their own certificates, as Heroku's: RDS and its proxy have some that can be
    verified."""
    if tls.mode != "require" or not _is_rds(host):
        return None
    return f"PGSSLMODE=no-verify is refused for {host}, whose certificate can be verified: use verify-full"


def system_authorities() -> str:
    # psycopg's wheels carry their own OpenSSL, which looks for authorities where no system keeps them.
    return ssl.get_default_verify_paths().cafile or "system"


def certificate_advice(error: Exception, host: str, tls: Tls) -> str:
    """What to add to the reason why there is no connection: RDS has authorities that no system knows, its proxy has
    not."""
    text = str(error)
    if "certificate verify failed" not in text or tls.mode != "verify-full":
        return ""
    if re.search("certificate verify failed: self.signed certificate$", text.strip(), re.MULTILINE):
        return ": a server that signs its own certificate, as Heroku Postgres does, needs PGSSLMODE=no-verify"
    if not _is_rds(host) or tls.root_cert != system_authorities():
        return ""
    return ": without a proxy, RDS needs Amazon's bundle of certificates in PGSSLROOTCERT"
