"""The fields of a LambdaFunction by example: two values of each, and how AWS shows them. A table of data."""

import copy

import yaml
from harness import ROOT, function

REGION = "us-east-1"
ACCOUNT = "123456789012"
LAYERS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/"
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"
KEYS = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
FILES = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-"
PROVIDERS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:"
RUNTIMES = f"arn:aws:lambda:{REGION}:{ACCOUNT}:runtime/"
SIGNING = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-"
IMAGES = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:"
REQUIRED = object()  # removing the field is refused: it is required
FIXED = object()  # so is changing it; removing it changes nothing
STAYS = object()  # AWS keeps what it has


class Example:
    """`removed`: what AWS has once the field is gone again. `beside`: what else is declared all the time;
    with `together` it is removed with the field."""

    def __init__(self, first, second, shown, removed=REQUIRED, beside=None, together=False):
        self.first, self.second, self.shown, self.removed = first, second, shown, removed
        self.beside, self.together = beside or {}, together


def member(path, otherwise=None):
    """What is there in the answers, or what an absent member means."""

    def shown(seen):
        for name in path.split("."):
            seen = seen.get(name) or {} if name != path.rpartition(".")[2] else seen.get(name, otherwise)
        return seen

    return shown


def configuration(path, otherwise=None):
    return member(f"Configuration.{path}", otherwise)


def declared_tags(seen):
    return {key: value for key, value in seen["Tags"].items() if not key.startswith("kubelambda.io/")}


def region(seen):
    return seen["Configuration"]["FunctionArn"].split(":")[3]


def layer_arns(seen):
    return [one["Arn"] for one in seen["Configuration"].get("Layers", [])]


def file_systems(seen):
    return [
        {"arn": one["Arn"], "localMountPath": one["LocalMountPath"]}
        | ({"s3FilesConfig": {"directS3Read": one["S3FilesConfig"]["DirectS3Read"]}} if "S3FilesConfig" in one else {})
        for one in seen["Configuration"].get("FileSystemConfigs", [])
    ]


def sorted_list(path):
    return lambda seen: sorted(configuration(path, [])(seen))


IMAGE = {"packageType": "Image", "code": {"imageUri": IMAGES + "1"}, "runtime": None, "handler": None}
SUBNETS = {"vpcConfig.subnetIds": ["subnet-0a", "subnet-0b"]}
GROUPS = {"vpcConfig.securityGroupIds": ["sg-0a"]}
JSON_LOGS = {"loggingConfig.logFormat": "JSON"}
MANAGED = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig."
MANAGED_SHOWN = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig."
PROVIDER = {MANAGED + "capacityProviderArn": PROVIDERS + "first"}
CUSTOM = {
    "runtime": "custom",
    "runtimeConfig.runtimeArn": RUNTIMES + "runtime-1",
    "runtimeConfig.runtimeAlias": "live",
}
VERSION = f"arn:aws:lambda:{REGION}::runtime:"

EXAMPLES = {
    "functionName": Example("fields-first", "fields-second", configuration("FunctionName"), FIXED),
    "region": Example("us-east-1", "eu-west-1", region, FIXED),
    "packageType": Example("Image", "Zip", configuration("PackageType"), FIXED, IMAGE),
    "code.imageUri": Example(IMAGES + "1", IMAGES + "2", member("Code.ImageUri"), REQUIRED, IMAGE),
    "code.sourceKMSKeyArn": Example(KEYS + "a", KEYS + "b", member("Code.SourceKMSKeyArn"), None),
    "imageConfig.entryPoint": Example(
        ["/a"], ["/b", "-c"], configuration("ImageConfigResponse.ImageConfig.EntryPoint"), None, IMAGE
    ),
    "imageConfig.command": Example(
        ["app.a"], ["app.b"], configuration("ImageConfigResponse.ImageConfig.Command"), None, IMAGE
    ),
    "imageConfig.workingDirectory": Example(
        "/a", "/b", configuration("ImageConfigResponse.ImageConfig.WorkingDirectory"), None, IMAGE
    ),
    "runtime": Example("python3.12", "python3.14", configuration("Runtime")),
    "runtimeConfig.runtimeArn": Example(
        RUNTIMES + "runtime-1", RUNTIMES + "runtime-2", configuration("RuntimeConfig.RuntimeArn"), STAYS, CUSTOM, True
    ),
    "runtimeConfig.runtimeAlias": Example(
        "live", "next", configuration("RuntimeConfig.RuntimeAlias"), STAYS, CUSTOM, True
    ),
    "handler": Example("app.first", "app.second", configuration("Handler")),
    "role": Example(ROLES + "fake", ROLES + "other", configuration("Role")),
    "description": Example("first", "für später", configuration("Description"), ""),
    "memorySize": Example(256, 10240, configuration("MemorySize"), 128),
    "timeout": Example(60, 900, configuration("Timeout"), 3),
    "kmsKeyArn": Example(KEYS + "a", KEYS + "b", configuration("KMSKeyArn"), None),
    "environment.variables": Example(
        {"LOG_LEVEL": "info", "GONE": "soon"},
        {"LOG_LEVEL": "debug", "QUOTES": "\"'\\ €"},
        configuration("Environment.Variables", {}),
        {},
    ),
    "layers": Example([LAYERS + "a:1", LAYERS + "b:1"], [LAYERS + "b:1", LAYERS + "a:2"], layer_arns, []),
    "tags": Example({"team": "a", "gone": "soon"}, {"team": "b", "cost:centre": "1 + 2"}, declared_tags, {}),
    "architectures": Example(["arm64"], ["x86_64"], configuration("Architectures"), ["x86_64"]),
    "ephemeralStorage.size": Example(1024, 10240, configuration("EphemeralStorage.Size"), 512),
    "vpcConfig.subnetIds": Example(
        ["subnet-0a", "subnet-0b"], ["subnet-0b"], sorted_list("VpcConfig.SubnetIds"), [], GROUPS, True
    ),
    "vpcConfig.securityGroupIds": Example(
        ["sg-0a"], ["sg-0a", "sg-0b"], sorted_list("VpcConfig.SecurityGroupIds"), [], SUBNETS, True
    ),
    "vpcConfig.ipv6AllowedForDualStack": Example(
        True, False, configuration("VpcConfig.Ipv6AllowedForDualStack", False), False, SUBNETS | GROUPS
    ),
    "fileSystemConfigs": Example(
        [{"arn": FILES + "0" * 17, "localMountPath": "/mnt/a"}],
        [{"arn": FILES + "1" * 17, "localMountPath": "/mnt/b", "s3FilesConfig": {"directS3Read": "ENABLED"}}],
        file_systems,
        [],
        SUBNETS | GROUPS,
    ),
    "deadLetterConfig.targetArn": Example(QUEUES + "a", QUEUES + "b", configuration("DeadLetterConfig.TargetArn"), None),
    "tracingConfig.mode": Example("Active", "PassThrough", configuration("TracingConfig.Mode"), "PassThrough"),
    "snapStart.applyOn": Example("PublishedVersions", "None", configuration("SnapStart.ApplyOn"), "None"),
    "loggingConfig.logFormat": Example("JSON", "Text", configuration("LoggingConfig.LogFormat"), "Text"),
    "loggingConfig.applicationLogLevel": Example(
        "WARN", "TRACE", configuration("LoggingConfig.ApplicationLogLevel"), "INFO", JSON_LOGS
    ),
    "loggingConfig.systemLogLevel": Example(
        "WARN", "DEBUG", configuration("LoggingConfig.SystemLogLevel"), "INFO", JSON_LOGS
    ),
    "loggingConfig.logGroup": Example(
        "/team/a", "/team/b", configuration("LoggingConfig.LogGroup"), "/aws/lambda/preview-app"
    ),
    MANAGED + "capacityProviderArn": Example(
        PROVIDERS + "first", PROVIDERS + "second", configuration(MANAGED_SHOWN + "CapacityProviderArn"), STAYS
    ),
    MANAGED + "perExecutionEnvironmentMaxConcurrency": Example(
        10, 20, configuration(MANAGED_SHOWN + "PerExecutionEnvironmentMaxConcurrency"), STAYS, PROVIDER
    ),
    MANAGED + "executionEnvironmentMemoryGiBPerVCpu": Example(
        2, 8, configuration(MANAGED_SHOWN + "ExecutionEnvironmentMemoryGiBPerVCpu"), STAYS, PROVIDER
    ),
    "acceleratorConfig.acceleratorMemorySize": Example(
        8, 16, configuration("AcceleratorConfig.AcceleratorMemorySize"), STAYS
    ),
    "durableConfig.retentionPeriodInDays": Example(1, 90, configuration("DurableConfig.RetentionPeriodInDays"), STAYS),
    "durableConfig.executionTimeout": Example(60, 31622400, configuration("DurableConfig.ExecutionTimeout"), STAYS),
    "durableConfig.kmsKeyArn": Example(KEYS + "a", KEYS + "b", configuration("DurableConfig.KMSKeyArn", ""), ""),
    "reservedConcurrency": Example(7, 8, member("Concurrency.ReservedConcurrentExecutions"), None),
    "asyncInvoke.maximumRetryAttempts": Example(0, 1, member("asyncInvoke.MaximumRetryAttempts"), None),
    "asyncInvoke.maximumEventAgeInSeconds": Example(60, 21600, member("asyncInvoke.MaximumEventAgeInSeconds"), None),
    "asyncInvoke.onSuccess": Example(
        QUEUES + "a", QUEUES + "b", member("asyncInvoke.DestinationConfig.OnSuccess.Destination"), None
    ),
    "asyncInvoke.onFailure": Example(
        QUEUES + "a", QUEUES + "b", member("asyncInvoke.DestinationConfig.OnFailure.Destination"), None
    ),
    "recursiveLoop": Example("Allow", "Terminate", member("recursiveLoop.RecursiveLoop"), "Terminate"),
    "runtimeManagement.updateRuntimeOn": Example(
        "FunctionUpdate", "Auto", member("runtimeManagement.UpdateRuntimeOn"), "Auto"
    ),
    "runtimeManagement.runtimeVersionArn": Example(
        VERSION + "a" * 64,
        VERSION + "b" * 64,
        member("runtimeManagement.RuntimeVersionArn"),
        None,
        {"runtimeManagement.updateRuntimeOn": "Manual"},
        True,
    ),
    "codeSigningConfigArn": Example(
        SIGNING + "0" * 17, SIGNING + "1" * 17, member("codeSigningConfigArn.CodeSigningConfigArn"), None
    ),
}

# What is not AWS's: test_operations.py and test_references.py.
OURS = {"adoptionPolicy", "code.follow", "deletionPolicy", "driftPolicy", "environment.valueFrom", "suspend"}

# Tested apart: AWS shows the artifact's location by its content alone, and a tenancy is only ever set.
APART = {
    "code.s3Bucket",
    "code.s3Key",
    "code.s3ObjectVersion",
    "code.s3ObjectStorageMode",
    "tenancyConfig.tenantIsolationMode",
    "versions.publish",  # these in test_versions.py
    "versions.keep",
    "aliases",
    "permissions",  # these in test_attached.py
    "eventSources",
    "functionUrl.authType",
    "functionUrl.invokeMode",
    "functionUrl.qualifier",
    "functionUrl.cors.allowCredentials",
    "functionUrl.cors.allowHeaders",
    "functionUrl.cors.allowMethods",
    "functionUrl.cors.allowOrigins",
    "functionUrl.cors.exposeHeaders",
    "functionUrl.cors.maxAge",
}

# What has a call of its own that reads it: boto3's name of it.
ASKED = {
    "asyncInvoke": "get_function_event_invoke_config",
    "recursiveLoop": "get_function_recursion_config",
    "runtimeManagement": "get_runtime_management_config",
    "codeSigningConfigArn": "get_function_code_signing_config",
}


def leaves(schema, path=""):
    """The paths of all fields that hold a value, from the CRD."""
    for name, field in schema["properties"].items():
        if "properties" in field:
            yield from leaves(field, f"{path}{name}.")
        else:
            yield path + name


def fields():
    crd = yaml.safe_load((ROOT / "manifests/crd.yaml").read_text(encoding="utf-8"))
    return set(leaves(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]))


def declare(spec, path, value):
    """Sets "a.b" in the spec; None removes it, and what is empty without it."""
    name, _, below = path.partition(".")
    if below:
        inner = spec.setdefault(name, {})
        declare(inner, below, value)
        value = inner or None
    if value is None:
        spec.pop(name, None)
    else:
        spec[name] = copy.deepcopy(value)


def declared(namespace, *parts, name="app"):
    """The function with the parts, each {path: value}, besides the required fields."""
    resource = function(name, namespace)
    for part in parts:
        for path, value in part.items():
            declare(resource["spec"], path, value)
    return resource


def seen(aws, name, path=""):
    """GetFunction's answer, and under the field's name that of the call that reads it."""
    found = dict(aws.function(name))
    top = path.partition(".")[0]
    if top in ASKED:
        try:
            found[top] = getattr(aws.functions, ASKED[top])(FunctionName=name)
        except aws.functions.exceptions.ResourceNotFoundException:
            found[top] = {}
    return found
