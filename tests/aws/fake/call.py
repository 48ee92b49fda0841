"""A call to the Lambda API: the function that it is about, its body, a page of its answer."""

import base64
import json
import re

from . import shapes
from .function import invalid, without_nothing
from .world import Failure

PAGE = 50
NAME = re.compile(
    r"(?:(?:arn:aws[a-z-]*:lambda:)?(?:([a-z0-9-]+):)?(\d{12}):)?(?:function:)?([a-zA-Z0-9_.-]+)(?::(\$LATEST|[a-zA-Z0-9_-]+))?"
)


def absent(arn):
    return Failure(404, "ResourceNotFoundException", None, Message=f"Function not found: {arn}", Type="User")


def key_of(call, text):
    """(account, region, name), qualifier; of a name, partial ARN or ARN."""
    found = NAME.fullmatch(text)
    if not found:
        raise Failure(400, "ValidationException", f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: …")
    region, account, name, qualifier = found.groups()
    if region and region != call.region:
        raise Failure(404, "ResourceNotFoundException", None, Message=f"Functions from '{region}' are not reachable in this region ('{call.region}')", Type="User")
    return (account or call.account, call.region, name), qualifier


def find(call, text=None):
    key, qualifier = key_of(call, text or call.name)
    function = call.world.functions.get(key)
    if not function:
        raise absent(f"arn:aws:lambda:{key[1]}:{key[0]}:function:{key[2]}{':' + qualifier if qualifier else ''}")
    function.settle()
    return function


def read_body(call, shape):
    try:
        body = json.loads(call.request.body or b"{}")
    except ValueError:
        raise Failure(400, "SerializationException", "Could not parse request body into json") from None
    errors = []
    try:
        shape(body, [], errors)
    except shapes.Wrong as wrong:
        raise Failure(400, "SerializationException", str(wrong)) from None
    if errors:
        raise Failure(400, "ValidationException", f"{len(errors)} validation error{'s' * (len(errors) > 1)} detected: {'; '.join(errors)}")
    return without_nothing(body)


def page(call, rows, name):
    marker = call.request.argument("Marker")
    most = min(PAGE, int(call.request.argument("MaxItems", PAGE)))
    try:
        start = int(base64.b64decode(marker)) if marker else 0
    except ValueError:
        raise invalid("The provided marker is not valid") from None
    answer = {name: [row() for row in rows[start : start + most]]}
    if start + most < len(rows):
        answer["NextMarker"] = base64.b64encode(str(start + most).encode()).decode()
    return 200, answer
