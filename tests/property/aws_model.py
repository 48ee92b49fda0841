"""What the API of AWS Lambda takes: botocore's model of it, read strictly, and the rules that the model does not have,
as the scripted AWS of tests/aws/fake knows them."""

import functools
import re
import sys
import unicodedata

import botocore.session
from harness import ROOT

sys.path.insert(0, str(ROOT / "tests" / "aws"))
from fake import function as fake_function  # noqa: E402
from fake import lambda_api, shapes  # noqa: E402
from fake.world import Failure  # noqa: E402

ACCOUNT = "123456789012"
TAG_PATTERN = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
NUMBERS = {"integer": int, "long": int, "double": (int, float), "float": (int, float)}

# Where the model takes more than AWS does, or is stricter than AWS's own answers.
KNOWN = {
    # Recorded: names over 64 characters are refused, although the model allows ARNs of 140.
    "FunctionName": {"max": 64},
}


class Wrong(Exception):
    pass


def matcher(pattern):
    if pattern == TAG_PATTERN:  # classes that Python's own expressions do not have
        return lambda text: all(one in "_.:/=+-@" or unicodedata.category(one)[0] in "LZN" for one in text)
    assert r"\p" not in pattern, pattern
    return re.compile(pattern, re.ASCII).fullmatch


def bounded(size, limits, path, what):
    if size < limits.get("min", size) or size > limits.get("max", size):
        raise Wrong(f"{path}: {what} of {size} is not within {limits.get('min')}..{limits.get('max')}")


@functools.cache
def checker(shape):
    """A function (value, path) that raises Wrong, for a shape of the model."""
    kind = shape.type_name
    limits = {**shape.metadata, **KNOWN.get(shape.name, {})}
    pattern = shape.metadata.get("pattern") or shape._shape_model.get("pattern")
    matches = matcher(pattern) if pattern else None

    def expect(value, types, path):
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            raise Wrong(f"{path}: {type(value).__name__} for a {kind}")

    def text(value, path):
        expect(value, str, path)
        if limits.get("enum") and value not in limits["enum"]:
            raise Wrong(f"{path}: {value!r} is none of {limits['enum']}")
        if matches and not matches(value):
            raise Wrong(f"{path}: {value!r} does not match {pattern}")
        bounded(len(value), limits, path, "a length")

    def number(value, path):
        expect(value, NUMBERS[kind], path)
        bounded(value, {"max": 2**31 - 1, **limits} if kind == "integer" else limits, path, "a value")

    def listing(value, path):
        expect(value, list, path)
        bounded(len(value), limits, path, "a list")
        for place, one in enumerate(value):
            item(one, f"{path}[{place}]")

    def mapping(value, path):
        expect(value, dict, path)
        bounded(len(value), limits, path, "a map")
        for name, one in value.items():
            key(name, f"{path}, the key {name!r}")
            item(one, f"{path}[{name!r}]")

    def structure(value, path):
        expect(value, dict, path)
        for name in shape.required_members:
            if name not in value and shape.members[name].serialization.get("location") is None:
                raise Wrong(f"{path}.{name} is required")
        for name, one in value.items():
            if name not in members:
                raise Wrong(f"{path}.{name} is not in the model")
            members[name](one, f"{path}.{name}")

    def flag(value, path):
        expect(value, bool, path)

    if kind == "structure":
        members = {name: checker(one) for name, one in shape.members.items()}
        return structure
    if kind == "list":
        item = checker(shape.member)
        return listing
    if kind == "map":
        key, item = checker(shape.key), checker(shape.value)
        return mapping
    return {"string": text, "boolean": flag, "blob": text}.get(kind) or number


@functools.cache
def operation(name):
    service = botocore.session.get_session().get_service_model("lambda")
    shape = service.operation_model(name).input_shape
    located = {one for one, member in shape.members.items() if member.serialization.get("location")}
    return checker(shape), located, shape.members


class World:
    """As much of the scripted AWS as a function by itself needs."""

    settings = {"missing_layers": (), "update_ms": 0}

    def wall(self):
        return 0.0

    def now(self):
        return 0.0


def check_call(name, body):
    check, _, members = operation(name)
    if name == "UntagResource":
        checker(members["TagKeys"])(body, "TagKeys")
    else:
        check(body or {}, name)


def check_function(body, region):
    """CreateFunction's rules; the function that it makes, for what follows."""
    one = fake_function.Function(World(), ACCOUNT, region, body["FunctionName"])
    one.package = body.get("PackageType", "Image" if "ImageUri" in body["Code"] else "Zip")
    code = body["Code"]
    if ("ImageUri" in code) != (one.package == "Image") or not ("ImageUri" in code or {"S3Bucket", "S3Key"} <= set(code)):
        raise Wrong(f"the code does not go with the package type {one.package}")
    if code.get("S3ObjectStorageMode") == "REFERENCE" and "S3ObjectVersion" not in code:
        raise Wrong("S3ObjectVersion is required when S3ObjectStorageMode is REFERENCE")
    if len(body.get("Tags", {})) > 50:
        raise Wrong("Number of tags exceeds resource tag limit.")
    if any(key.lower().startswith("aws:") for key in body.get("Tags", {})):
        raise Wrong("a tag of AWS's own")
    lambda_api.check_runtime(body.get("Runtime"))
    one.members = one.merged({key: value for key, value in body.items() if key in shapes.CONFIGURATION})
    one.check_rules(one.members)
    return one


def least(function):
    """The function as it was made without all that it could do without."""
    kept = ("Runtime", "Handler", "Role", "RuntimeConfig")
    other = fake_function.Function(World(), function.account, function.region, function.name)
    other.package = function.package
    other.members |= {key: function.members[key] for key in kept if key in function.members}
    return other


def refusal(plans, region):
    """Why AWS would refuse a call of one of the plans, or None: creation, the changes from the least that is
    possible to all, and those back."""
    try:
        for call in [*plans["create"], *plans["change"], *plans["back"]]:
            number_versions(call)
            check_call(call["operation"], call.get("body"))
        whole = check_function(plans["create"][0]["body"], region)
        for function, calls in ((least(whole), plans["change"]), (whole, plans["back"])):
            for call in calls:
                check_effect(function, call["operation"], call.get("body"))
    except (Wrong, Failure) as reason:
        return str(reason)
    return None


def number_versions(call):
    """A plan that publishes names the version by a word; the controller plans anew when it has its number."""
    if call["operation"] not in ("CreateAlias", "UpdateAlias"):
        return
    numbers = {"Latest": "2", "Previous": "1"}
    body = call["body"]
    weights = body.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    body["FunctionVersion"] = numbers.get(body["FunctionVersion"], body["FunctionVersion"])
    for word in numbers.keys() & weights.keys():
        weights[numbers[word]] = weights.pop(word)


def check_effect(function, name, body):
    """What only shows together with the function that is there."""
    if name == "UpdateFunctionConfiguration":
        lambda_api.check_runtime(body.get("Runtime"))
        function.check_rules(function.merged(body))
    if name == "PutFunctionEventInvokeConfig" and not body:
        raise Wrong("You must specify at least one of error handling or destination setting.")
    if name == "TagResource" and not body["Tags"]:
        raise Wrong("An error occurred and the request cannot be processed.")
