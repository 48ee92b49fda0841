"""Generated LambdaFunctions, policies, reviews and rubbish: right, nearly right, and wrong. What a field takes is read from
the CRD, so that a new row of the table is generated, too, once it has its example."""

import copy
import json

import yaml
from examples import CUSTOM, EXAMPLES, FILES, GROUPS, IMAGES, JSON_LOGS, KEYS, LAYERS, PROVIDER, ROLES, SUBNETS, declare
from harness import ROOT

SECRET = "hunter2"  # in the values of environment variables: it must not come back
REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1")
LETTERS = "aZ09-_.:/ ~@=+#,$*'\"{}\\\t\n\v\f\ré€ß字🚀\u00a0\u0301\u2028"
RUNTIMES = ("python3.13", "python3.12", "python3.9", "nodejs24.x", "java21", "dotnet8", "provided.al2023", "ruby3.3")
EFS = FILES + "0123456789abcdef0"
S3_FILES = "arn:aws:s3files:us-east-1:123456789012:file-system/fs-0123456789abcdef0/access-point/fsap-0123456789abcdef0"


def schema(kind="crd"):
    crd = yaml.safe_load((ROOT / f"manifests/{kind}.yaml").read_text(encoding="utf-8"))
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def rows(field, path=""):
    """Path -> schema of every field that holds a value."""
    found = {}
    for name, one in field["properties"].items():
        if "properties" in one:
            found |= rows(one, f"{path}{name}.")
        else:
            found[path + name] = one
    return found


ROWS = rows(schema())

# What EXAMPLES does not have, and what is at the edges of a pattern.
GOOD = {
    "functionName": ["a", "A-b_9" * 12 + "abcd"],
    "region": REGIONS,
    "code.s3Bucket": ["artifacts", "a.b", "a_b", "B" * 63],
    "code.s3Key": ["app/1.zip", "ä/ß €.zip", "k" * 1024, " "],
    "code.s3ObjectVersion": ["v1", "null", "v" * 1024],
    "code.s3ObjectStorageMode": ["COPY", "REFERENCE"],
    "tenancyConfig.tenantIsolationMode": ["PER_TENANT"],
    "deletionPolicy": ["Delete", "Retain"],
    "suspend": [True, False],
    "runtime": RUNTIMES,
    "handler": ["app.handler", "a", "h" * 128, "App::Ns.Fn::Run", "é"],
    "role": [ROLES + "a", ROLES + "path/to/role+=,.@-_", ROLES + "r" * 64],
    "description": ["", "x" * 256, "字" * 256, "two\nlines", "🚀"],
    "environment.variables": [{}, {"AB": SECRET}, {"A_1": f"\"{SECRET}\\", "Zz": f"é{SECRET}\n"}, {"LONG": SECRET + "x" * 4000}],
    "environment.valueFrom": [
        [],
        [{"name": "FROM", "secretKeyRef": {"name": "db", "key": "password"}}],
        [{"name": "FROM", "configMapKeyRef": {"name": "c.d", "key": "k"}, "optional": True}],
    ],
    "layers": [[], [LAYERS + "a:1"], [LAYERS + f"l{number}:1" for number in range(5)], ["arn:aws:lambda:::awslayer:name"]],
    "tags": [{}, {"team": "a"}, {"a b_.:/=+-@": "ü 字 ½"}, {"k" * 128: "v" * 256}, {f"k{number}": "" for number in range(49)}],
    "fileSystemConfigs": [
        [],
        [{"arn": EFS, "localMountPath": "/mnt/a"}],
        [{"arn": S3_FILES, "localMountPath": "/mnt/a.b-c_d", "s3FilesConfig": {"directS3Read": "AUTO"}}],
    ],
    "code.imageUri": [IMAGES + "1", IMAGES[:-1] + "@sha256:" + "0a" * 32, "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"],
    "runtimeManagement.runtimeVersionArn": [
        "arn:aws:lambda:us-east-1::runtime:" + "a" * 64,
        "arn:aws:lambda:us-east-1:123456789012:runtime/name/version/1",
    ],
    "asyncInvoke.onFailure": [
        "arn:aws:sns:us-east-1:123456789012:t",
        "arn:aws:s3:::bucket",
        "arn:aws:events:eu-west-1:123456789012:event-bus/b",
        "arn:aws:lambda:us-east-1:123456789012:function:f:live",
    ],
    "kmsKeyArn": [KEYS + "mrk-1234", ""],
    "aliases": [
        [],
        [{"name": "live", "version": "Latest"}],
        [{"name": "live", "version": "2", "additionalVersions": [{"version": "1", "weight": 10}]}],
        [{"name": "a-B_9", "version": "Previous", "description": "字"}, {"name": "b", "version": "Latest"}],
    ],
    "functionUrl.qualifier": ["live"],
    "functionUrl.cors.allowHeaders": [[], ["Content-Type", "*"]],
    "functionUrl.cors.allowMethods": [["GET", "POST"], ["*"]],
    "functionUrl.cors.allowOrigins": [["https://example.com"], ["*"]],
    "functionUrl.cors.exposeHeaders": [["Date"]],
    "permissions": [
        [],
        [{"sid": "gateway", "principal": "apigateway.amazonaws.com", "sourceArn": "arn:aws:execute-api:us-east-1:123456789012:a/*"}],
        [{"sid": "other", "principal": "123456789012"}, {"sid": "all", "principal": "*", "principalOrgId": "o-a1b2c3d4e5"}],
    ],
    "eventSources": [
        [],
        [{"name": "queue", "eventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q", "batchSize": 5}],
        [{"name": "stream", "eventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s", "startingPosition": "LATEST"}],
    ],
}  # fmt: skip


def numbers(field):
    low, high = field.get("minimum", 0), field.get("maximum", 2**31 - 1)
    return [low, high, min(low + 1, high), (low + high) // 2]


def good_values(path):
    field, found = ROWS[path], list(GOOD.get(path, ()))
    if path in EXAMPLES:
        found += [EXAMPLES[path].first, EXAMPLES[path].second]
    found += field.get("enum", [])
    if field["type"] == "integer":
        found += numbers(field)
    if field["type"] == "boolean":
        found += [True, False]
    assert found, f"{path} has neither an example in tests/e2e/examples.py nor one here"
    return found


VALUES = {path: good_values(path) for path in ROWS}
ALONE = ("functionName", "region", "packageType", "code", "runtime", "handler", "role")
PLACE = ("code.s3Bucket", "code.s3Key", "code.imageUri")
OPTIONAL = [path for path in ROWS if path not in PLACE and (path.startswith("code.") or path.partition(".")[0] not in ALONE)]
BESIDE = {
    "vpcConfig.subnetIds": GROUPS,
    "vpcConfig.securityGroupIds": SUBNETS,
    "fileSystemConfigs": SUBNETS | GROUPS,
    "loggingConfig.applicationLogLevel": JSON_LOGS,
    "loggingConfig.systemLogLevel": JSON_LOGS,
    "runtimeConfig.runtimeArn": CUSTOM,
    "runtimeConfig.runtimeAlias": CUSTOM,
    "runtimeManagement.runtimeVersionArn": {"runtimeManagement.updateRuntimeOn": "Manual"},
    **{path: PROVIDER for path in ROWS if path.startswith("capacityProviderConfig.")},
}
IMAGE_ONLY = [path for path in ROWS if path.startswith("imageConfig.")]
NOT_IMAGE = ("layers", "code.", "codeSigningConfigArn", "runtimeConfig", "snapStart")


def nearly_text(random, text):
    """One to two characters away, or as long as it must not be."""
    for _ in range(random.choice((1, 1, 2))):
        at = random.randrange(len(text) + 1)
        match random.randrange(5):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1 | 2:
                text = text[:at] + random.choice(LETTERS) + text[at:]
            case 3:
                text = text[:at] + random.choice(LETTERS) + text[at + 1 :]
            case 4:
                text = text + text[-1:] * random.choice((1, 64, 256, 1024))
    return text


def nearly(random, value):
    """The value with a small change somewhere in it."""
    if random.random() < 0.04:
        return random.choice((None, "", [], {}, 0, 1.5, True, "128", [None], {"": ""}))
    match value:
        case bool():
            return not value
        case int():
            return value + random.choice((-1, 1, 0.5, 2**31, 2**53, -value * 2))
        case str():
            return nearly_text(random, value)
        case list() if value:
            changed = [*value]
            at = random.randrange(len(value))
            changed[at : at + 1] = random.choice(([], [nearly(random, value[at])], [value[at]] * 2, [value[at]] * 17))
            return changed
        case dict() if value:
            key = random.choice(list(value))
            changed = dict(value)
            one = changed.pop(key)
            return changed | random.choice(({}, {nearly_text(random, key): one}, {key: nearly(random, one)}))
    return random.choice((["x"], {"x": "y"}, {f"Key{number}": "x" for number in range(60)}))


def set_value(spec, path, value):
    name, _, below = path.partition(".")
    if not below:
        spec[name] = copy.deepcopy(value)
    elif isinstance(spec.setdefault(name, {}), dict):
        set_value(spec[name], below, value)


def function_spec(random, mistakes):
    """A spec, and the paths in it that were made nearly right."""
    spec = {"code": {}}
    image = random.random() < 0.15
    paths = ["role"]
    if image:
        paths += ["packageType", "code.imageUri", *random.sample(IMAGE_ONLY, random.randrange(3))]
    else:
        paths += ["code.s3Bucket", "code.s3Key", "runtime", "handler"]
    paths += ["functionName"] * (random.random() < 0.5) + ["region"] * (random.random() < 0.2)
    for path in random.sample(OPTIONAL, random.choice((0, 1, 2, 3, 5, 9))):
        if not (path.startswith("imageConfig.") or (image and path.startswith(NOT_IMAGE))) or random.random() < 0.05:
            paths.append(path)
    for path in paths:
        for other, value in BESIDE.get(path, {}).items():
            set_value(spec, other, value)
        set_value(spec, path, "Image" if path == "packageType" else random.choice(VALUES[path]))
    region = spec.get("region")
    if region in REGIONS[1:] and random.random() < 0.9:  # what points to a region moves along
        partition = {"us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn", "eusc-de-east-1": "aws-eusc", "us-iso-east-1": "aws-iso"}
        text = json.dumps(spec).replace("us-east-1", region).replace("arn:aws:", f"arn:{partition.get(region, 'aws')}:")
        spec = json.loads(text)
    wrong = random.sample(paths, min(mistakes, len(paths)))
    for path in wrong:
        value = spec
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        set_value(spec, path, nearly(random, value))
    return spec, wrong


def policy(random, number):
    spec = {"defaults": {}}
    for path in random.sample([one for one in ROWS if one not in ("functionName", "code.s3Key", "code.imageUri")], random.randrange(8)):
        if path not in ("code.s3ObjectVersion", "environment.valueFrom", "deletionPolicy", "suspend"):
            for other, value in BESIDE.get(path, {}).items():
                declare(spec["defaults"], other, value)
            set_value(spec["defaults"], path, random.choice(VALUES[path]))
    for path, value in (
        ("environment", random.choice(("preview", "staging"))),
        ("functionName.prefix", "team-"),
        ("functionName.whenMissing", random.choice(("Prepend", "Prepend", "Reject"))),
        ("priority", random.randrange(3)),
        ("enforcement", random.choice(("Warn", "Enforce"))),
        ("require.tags", ["team"]),
        ("require.description", True),
        ("allow.runtimes", ["python3.*", "java*"]),
        ("allow.memorySize.max", 2048),
        ("allow.roles", [ROLES + "*"]),
        ("allow.buckets", [{"name": "art*", "keyPrefix": "app/"}]),
        ("allow.images", [IMAGES + "*"]),
        ("artifactCheck.onUnavailable", random.choice(("Reject", "Allow"))),
        ("deletionProtection", True),
    ):
        if random.random() < 0.15:
            set_value(spec, path, value)
    return {"name": f"policy-{number}", "spec": spec}


def facts(random):
    return {
        "defaultRegion": random.choice(("us-east-1", "us-east-1", None)),
        "defaultEnvironment": random.choice((None, "dev")),
        "environment": random.choice((None, "preview", "production")),
        "policies": [policy(random, number) for number in range(random.choice((0, 0, 1, 2, 3)))],
        "access": random.random() < 0.9,
        "artifact": random.choice(("found",) * 8 + ("unavailable", "missing")),
    }  # fmt: skip


def manifest(random, spec, name=None):
    metadata = {"name": name or random.choice(("app", "a" * 40, "a.b")), "namespace": "team"}
    if random.random() < 0.03:
        metadata["generateName"] = metadata.pop("name")
    return {"apiVersion": "kubelambda.io/v1alpha1", "kind": "LambdaFunction", "metadata": metadata, "spec": spec}


def review(resource, old=None, operation=None, **members):
    named = next((one["kind"] for one in (resource, old) if isinstance(one, dict) and "kind" in one), "LambdaFunction")
    kind = {"group": "kubelambda.io", "version": "v1alpha1", "kind": named}
    request = {
        "uid": "u-1",
        "kind": kind,
        "operation": operation or ("UPDATE" if old else "CREATE"),
        "namespace": "team",
        "userInfo": {"username": "somebody", "groups": ["a"]},
        "object": resource,
        "oldObject": old,
        **members,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


# --- rubbish --------------------------------------------------------------------------------------

NAMES = ["spec", "metadata", "code", "name", "request", "object", "", "a.b", "[]", "é", "~", "/", "kind", *ROWS]
SCALARS = (None, True, False, 0, -1, 128.0, 1.5, 1e300, 2**53, -(2**63), "", "x", "Zip", "🚀", "\u0001", "x" * 3000)


def tree(random, depth=4):
    shape = random.randrange(4 if depth else 2)
    if shape < 2:
        return random.choice(SCALARS)
    if shape == 2:
        return [tree(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(NAMES): tree(random, depth - 1) for _ in range(random.randrange(5))}


def places(value, found):
    """Every (container, key) in a tree."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(one, (dict, list)):
            places(one, found)
    return found


def mangled(random, whole):
    """A tree in the place of some parts of a real review."""
    whole = copy.deepcopy(whole)
    for _ in range(random.choice((1, 1, 2, 4))):
        container, key = random.choice(places(whole, []))
        if random.random() < 0.2:
            del container[key]
        else:
            container[key] = tree(random, random.randrange(4))
        if not places(whole, []):
            break
    return whole


def broken(random, text):
    """The bytes with some of them changed, cut or doubled."""
    text = bytearray(text)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(text) + 1)
        match random.randrange(5):
            case 0:
                text[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del text[at : at + random.choice((1, 1, 10, 1000))]
            case 2:
                text[at:at] = text[at : at + random.choice((1, 20))]
            case 3:
                text[at:at] = random.choice((b"{", b"}", b"[" * 70, b'"', b"\\u0000", b"\0", b"\xff", b"1e400", b"\\ud800", b","))
            case 4:
                text[at : at + 4] = random.randbytes(random.randrange(8))
    return bytes(text)
