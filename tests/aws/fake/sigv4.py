"""AWS Signature Version 4, checked as AWS does: Lambda paths are encoded twice, S3 paths as sent; the
scope's service and region, the clock, and the body's hash count."""

import calendar
import functools
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote

EMPTY = hashlib.sha256(b"").hexdigest()
SKEW_S = {"s3": 900, "sts": 900}  # Lambda: 5 minutes
HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?"
    r"SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})$"
)


class Refused(Exception):
    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def scope(request):
    """Access key, date, region, service, signed headers, signature; None when it is not signed."""
    found = HEADER.match(request.headers.get("authorization", ""))
    return found.groups() if found else None


@functools.lru_cache(maxsize=1024)
def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_query(raw):
    parts = [part.partition("=") for part in raw.split("&") if part]
    pairs = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, _, value in parts]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_path(path, service):
    return path if service == "s3" else quote(path, safe="/-_.~")


def check_clock(stamp, date, service, now):
    try:
        signed = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.", 400) from None
    if not stamp.startswith(date):
        raise Refused("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    skew, limit = now - signed, SKEW_S.get(service, 300)
    if abs(skew) <= limit:
        return
    if service == "s3":
        raise Refused("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
    word = "Signature expired" if skew > 0 else "Signature not yet current"
    server = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    raise Refused("InvalidSignatureException", f"{word}: {stamp} is now earlier than {server} ({server} - {limit // 60} min.)")


def body_hash(request, service):
    real = hashlib.sha256(request.body).hexdigest() if request.body else EMPTY
    said = request.headers.get("x-amz-content-sha256")
    if said is None:
        if service == "s3":
            raise Refused("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
        return real
    if said not in (real, "UNSIGNED-PAYLOAD"):
        raise Refused("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", 400)
    return said


def check(request, secret, now):
    """Refused unless the signature is right; the caller knows that it is signed."""
    _, date, region, service, names, signature = scope(request)
    headers, signed = request.headers, names.split(";")
    mismatch = "SignatureDoesNotMatch" if service == "s3" else "InvalidSignatureException"
    must = ["host", *(name for name in headers if name.startswith("x-amz-"))]
    missing = [name for name in must if name not in signed] + [name for name in signed if name not in headers]
    if signed != sorted(signed) or missing or "x-amz-date" not in headers:
        raise Refused(mismatch, f"These headers are not signed, or signed and not sent, or out of order: {missing or signed}")
    check_clock(headers["x-amz-date"], date, service, now)
    canonical = "\n".join(
        [
            request.method,
            canonical_path(request.path, service),
            canonical_query(request.raw_query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in signed),
            "",
            names,
            body_hash(request, service),
        ]
    )
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{date}/{region}/{service}/aws4_request\n"
    text += hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    wanted = hmac.new(signing_key(secret, date, region, service), text.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(wanted, signature):
        raise Refused(
            mismatch,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            f"Access Key and signing method.\n\nThe Canonical String for this request should have been\n'{canonical}'",
        )
