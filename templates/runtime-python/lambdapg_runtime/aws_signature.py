"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote


class Signer:
    """Signature Version 4 with the function's own credentials, for one request at one moment. The steps are those of
    "Create a signed AWS API request" in the IAM User Guide. Not botocore's: to import it takes a quarter of a second.
    """

    def __init__(self, env: Mapping[str, str], service: str, region: str) -> None:
        self._env = env
        self._service = service
        self._region = region
        self._date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time()))
        self._scope = f"{self._date[:8]}/{region}/{service}/aws4_request"

    def sign_post(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers to send to `/`. `headers` has lower-case names, `host` among them."""
        signed = {**headers, "x-amz-date": self._date}
        if token := self._env.get("AWS_SESSION_TOKEN"):
            signed["x-amz-security-token"] = token
        names = ";".join(sorted(signed))
        credential = f"{self._env['AWS_ACCESS_KEY_ID']}/{self._scope}"
        signature = self._sign("POST", "", signed, body)
        signed["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return signed

    def presign_get(self, host: str, query: Mapping[str, str]) -> str:
        """The whole query of a signed GET of `/`."""
        token = self._env.get("AWS_SESSION_TOKEN")
        parameters = {
            **query,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._env['AWS_ACCESS_KEY_ID']}/{self._scope}",
            "X-Amz-Date": self._date,
            "X-Amz-SignedHeaders": "host",
            **({"X-Amz-Security-Token": token} if token else {}),
        }
        text = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(parameters.items()))
        return f"{text}&X-Amz-Signature={self._sign('GET', text, {'host': host}, b'')}"

    def _sign(self, method: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
        lines = [f"{name}:{headers[name].strip()}" for name in sorted(headers)]
        names = ";".join(sorted(headers))
        request = "\n".join([method, "/", query, *lines, "", names, hashlib.sha256(body).hexdigest()])
        hashed = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self._env['AWS_SECRET_ACCESS_KEY']}".encode()
        for part in (self._date[:8], self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{self._date}\n{self._scope}\n{hashed}"
        return hmac.digest(key, text.encode(), "sha256").hex()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
