"""Signature vectors from AWS's own Python signer, for tests/unit/test_sign.c.

    python tests/aws/vectors.py tests/unit/data/sign_vectors.json

The time is frozen and the keys are the ones of AWS's documentation, so the output is
the same each time. Each vector holds the raw request and what botocore makes of it.
"""

import datetime
import json
import sys
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

WALL_S = 1795507200
ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJH+token/=="
LAMBDA = "lambda.us-east-1.amazonaws.com"
S3 = "s3.us-east-1.amazonaws.com"
ARN = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Afake"
FUNCTIONS = "/2015-03-31/functions"
JSON_TYPE = "Content-Type: application/json"

# The key of each row is percent-encoded, so only what is odd in it remains to be signed.
KEYS = {
    "a plain key": "fake-function/3f9c.zip",
    "blank, plus and equals": "a b/c+d=e.zip",
    "letters outside ASCII": "pr\u00e9/\u65e5\u672c/\U0001f600.zip",
    "double slashes": "a//b///c.zip",
    "a leading slash": "/a.zip",
    "dot segments": "a/./b/../c.zip",
    "percent, ampersand, question mark, hash": "100%/a&b?c#d.zip",
    "all of ASCII's marks": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}


def vectors():
    yield vector("GET without a query", "GET", FUNCTIONS)
    yield vector("an empty path", "GET", "")
    yield vector("GET of one function", "GET", FUNCTIONS + "/fake_function-1")
    yield vector("POST with a body", "POST", FUNCTIONS, headers=[JSON_TYPE], body='{"FunctionName":"f\u00fcr"}')
    yield vector("PUT with a body", "PUT", FUNCTIONS + "/fake/configuration", headers=[JSON_TYPE], body='{"Timeout":3}')
    yield vector("DELETE", "DELETE", FUNCTIONS + "/fake")
    yield vector("a session token", "GET", FUNCTIONS, token=TOKEN)
    yield vector("a session token and a body", "POST", FUNCTIONS, headers=[JSON_TYPE], body="{}", token=TOKEN)
    yield vector("an ARN in the path", "POST", ARN, headers=[JSON_TYPE], body='{"Tags":{"a":"b"}}')
    yield vector("an ARN in the path, repeated unsorted query names", "DELETE", ARN,
                 query=[("tagKeys", "b"), ("tagKeys", "a"), ("tagKeys", "B b"), ("tagKeys", "a")])
    yield vector("an unsorted query", "GET", FUNCTIONS, query=[("Marker", "x/y=="), ("FunctionVersion", "ALL"), ("MaxItems", "50")])
    yield vector("names that share a prefix", "GET", FUNCTIONS, query=[("a-b", "1"), ("a", "2"), ("aB", "3"), ("a.b", "0")])
    yield vector("names and values that need encoding", "GET", FUNCTIONS,
                 query=[("k y", "a+b c"), ("\u00e9", "~_-."), ("$", "100%"), ("k=y", "&")])
    yield vector("a query name without a value", "GET", FUNCTIONS, query=[("list", ""), ("Marker", "")])
    yield vector("an encoded path that is not ASCII", "GET", FUNCTIONS + "/%C3%A9%20x")
    yield vector("a path that is normalised", "GET", "/2015-03-31//functions/./x/../fake/")
    yield vector("a path above the root", "GET", "/../../a")
    yield vector("a port in the host", "GET", FUNCTIONS, host="127.0.0.1:5000", scheme="http")
    yield vector("an IPv6 host with a port", "GET", FUNCTIONS, host="[::1]:5000", scheme="http")
    yield vector("headers that share prefixes, with blanks inside", "GET", FUNCTIONS,
                 headers=["X-Amz-Meta-A-B:  two   words ", "x-amz-meta-a: one", "X-Amz-Meta: \tzero\t\tand more", "x-amz-empty:"])
    yield vector("a repeated header", "GET", FUNCTIONS, headers=["x-amz-b: 2", "x-amz-a: z", "X-Amz-A: a"])
    yield vector("another region and partition", "GET", FUNCTIONS, host="lambda.cn-north-1.amazonaws.com.cn", region="cn-north-1")
    for name, key in KEYS.items():
        yield s3_vector(name, "/" + key)
        yield s3_vector(name + ", path style", "/artifacts/" + key, host=S3)
    yield s3_vector("a version and a checksum", "/k.zip", query=[("versionId", "3/L4kqt+Vlf=")],
                    headers=["x-amz-checksum-mode: ENABLED"], token=TOKEN)
    yield s3_vector("the bucket itself", "/")
    yield s3_vector("an object with a body", "/k.zip", method="PUT", headers=["Content-Type: application/zip"], body="PK")


def s3_vector(name, raw_path, method="HEAD", host="artifacts." + S3, **rest):
    return vector(f"S3: {name}", method, quote(raw_path, safe="/~"), host=host, service="s3", **rest)


def vector(name, method, path, query=(), headers=(), body="", token=None,
           host=LAMBDA, scheme="https", service="lambda", region="us-east-1"):
    encoded = "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in query)
    request = AWSRequest(method, f"{scheme}://{host}{path or '/'}" + ("?" + encoded if encoded else ""), data=body.encode())
    for line in headers:
        key, value = line.split(":", 1)
        request.headers.add_header(key, value)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    auth = signer(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, token), service, region)
    if service != "s3":  # S3's signer does this by itself
        request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
    auth.add_auth(request)
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]  # or the canonical request would list it
    return {
        "name": name,
        "method": method,
        "host": host,
        "path": path,
        "query": [list(pair) for pair in query],
        "query_string": encoded,
        "headers": list(headers),
        "body": body,
        "token": token,
        "service": service,
        "region": region,
        "canonical": auth.canonical_request(request),
        "authorization": authorization,
    }


def main(path):
    frozen = datetime.datetime.fromtimestamp(WALL_S, datetime.timezone.utc)
    with mock.patch("botocore.auth.get_current_datetime", lambda: frozen):
        rows = list(vectors())
    answer = {
        "comment": "Made by tests/aws/vectors.py; do not edit.",
        "wall_s": WALL_S,
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
        "vectors": rows,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(answer, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
