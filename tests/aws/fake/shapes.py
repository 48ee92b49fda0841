"""The members of the Lambda API's requests, and how AWS refuses what does not fit them. A table of data
after a few words of grammar. Source: the service's model (2015-03-31)."""

import re

PARTITION = r"arn:(aws[a-zA-Z-]*)?"
ANY_ARN = r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"
RUNTIMES = (
    "nodejs nodejs4.3 nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x nodejs16.x nodejs18.x nodejs20.x "
    "nodejs22.x nodejs24.x java8 java8.al2 java11 java17 java21 java25 python2.7 python3.6 python3.7 python3.8 "
    "python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 "
    "dotnetcore3.1 dotnet6 dotnet8 dotnet10 nodejs4.3-edge go1.x ruby2.5 ruby2.7 ruby3.2 ruby3.3 ruby3.4 ruby4.0 "
    "provided provided.al2 provided.al2023 nodejs26.x python3.15 java8.al2023 java11.al2023 java17.al2023 custom"
).split()
BLOCKED_RUNTIMES = (
    "nodejs nodejs4.3 nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x java8 python2.7 python3.6 python3.7 "
    "dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1 nodejs4.3-edge go1.x ruby2.5 ruby2.7 provided"
).split()


class Wrong(Exception):
    """A value of another type than the model's: AWS cannot even read it."""


def name_of(path):
    return ".".join(part[:1].lower() + part[1:] for part in path)


def shown(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    return str(value)


def fail(errors, value, path, constraint):
    value = "null" if value is None else f"'{shown(value)}'"
    errors.append(f"Value {value} at '{name_of(path)}' failed to satisfy constraint: {constraint}")


def expect(value, kind, path):
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        names = {str: "String", int: "Integer", bool: "Boolean", list: "List", dict: "Structure or Map"}
        raise Wrong(f"{type(value).__name__} can not be converted to {names[kind]} at '{name_of(path)}'")


def bounds(number, low, high, what, value, path, errors):
    if low is not None and number < low:
        fail(errors, value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and number > high:
        fail(errors, value, path, f"Member must have {what} less than or equal to {high}")


def text(low=None, high=None, pattern=None, values=None):
    compiled = re.compile(pattern) if pattern else None

    def check(value, path, errors):
        expect(value, str, path)
        if values and value not in values:
            fail(errors, value, path, f"Member must satisfy enum value set: [{', '.join(values)}]")
        if compiled and not compiled.fullmatch(value):
            fail(errors, value, path, f"Member must satisfy regular expression pattern: {pattern}")
        bounds(len(value), low, high, "length", value, path, errors)

    return check


def whole(low=None, high=None):
    def check(value, path, errors):
        expect(value, int, path)
        bounds(value, low, high, "value", value, path, errors)

    return check


def real(low, high):
    def check(value, path, errors):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Wrong(f"{type(value).__name__} can not be converted to Double at '{name_of(path)}'")
        bounds(value, low, high, "value", value, path, errors)

    return check


def flag(value, path, _errors):
    expect(value, bool, path)


def listing(item, low=None, high=None):
    def check(value, path, errors):
        expect(value, list, path)
        bounds(len(value), low, high, "length", value, path, errors)
        for place, one in enumerate(value, 1):
            item(one, [*path, str(place), "member"], errors)

    return check


def mapping(key, item, high=None):
    """A map is refused as a whole, with what is in it: AWS echoes the values."""

    def check(value, path, errors):
        expect(value, dict, path)
        bounds(len(value), None, high, "length", value, path, errors)
        for name, one in value.items():
            for what, shape, part in (("keys", key, name), ("value", item, one)):
                found = []
                shape(part, path, found)
                constraint = ", ".join(error.partition("constraint: ")[2] for error in found)
                if found:
                    fail(errors, value, path, f"Map {what} must satisfy constraint: [{constraint}]")

    return check


def struct(*required, **members):
    def check(value, path, errors):
        expect(value, dict, path)
        for name in required:
            if value.get(name) is None:
                fail(errors, None, [*path, name], "Member must not be null")
        for name, one in value.items():
            if name not in members:
                # AWS reads over such a member; here it is a mistake of the sender.
                fail(errors, name, [*path, name], "Member is not in the model")
            elif one is not None:
                members[name](one, [*path, name], errors)

    check.members = members
    return check


def arn(high=10000):
    return text(0, high, ANY_ARN)


def one_of(*values):
    return text(values=values)


ROLE = text(0, 10000, PARTITION + r":iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
LAYER = text(
    1, 2048,
    r"(arn:(aws[a-zA-Z-]*)?:lambda:[a-z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)",
)  # fmt: skip
SIGNING = text(0, 200, PARTITION + r":lambda:[a-z0-9-]+:\d{12}:code-signing-config:csc-[a-z0-9]{17}")
TAG_TEXT = r"[\w\s.:/=+\-@]*"
TAGS = mapping(text(1, 128, TAG_TEXT), text(0, 256, TAG_TEXT))
DESTINATION = struct(Destination=text(0, 350, r"$|kafka://.*|arn:(aws[a-zA-Z0-9-]*):.*"))
REVISION = text()
ARCHITECTURES = listing(one_of("x86_64", "arm64"), 1, 1)
BUCKET = text(3, 63, r"[0-9A-Za-z\.\-_]*(?<!\.)")
PROVIDER = struct(
    "CapacityProviderArn",
    CapacityProviderArn=text(1, 140, PARTITION + r":lambda:.*:capacity-provider:[a-zA-Z0-9-_]+"),
    PerExecutionEnvironmentMaxConcurrency=whole(1, 1600),
    ExecutionEnvironmentMemoryGiBPerVCpu=real(2.0, 8.0),
)
CODE_MEMBERS = {
    "ZipFile": text(),
    "S3Bucket": BUCKET,
    "S3Key": text(1, 1024),
    "S3ObjectVersion": text(1, 1024),
    "S3ObjectStorageMode": one_of("COPY", "REFERENCE"),
    "ImageUri": text(),
    "SourceKMSKeyArn": arn(),
}
CONFIGURATION = {
    "Runtime": text(),  # refused by a rule of its own, not by the model
    "Role": ROLE,
    "Handler": text(0, 128, r"[^\s]+"),
    "Description": text(0, 256),
    "Timeout": whole(1, 5400),
    "MemorySize": whole(128, 32768),
    "VpcConfig": struct(
        SubnetIds=listing(text(0, 1024, r"subnet-[0-9a-z]*"), 0, 16),
        SecurityGroupIds=listing(text(0, 1024, r"sg-[0-9a-zA-Z]*"), 0, 5),
        Ipv6AllowedForDualStack=flag,
    ),
    "DeadLetterConfig": struct(TargetArn=arn()),
    "Environment": struct(Variables=mapping(text(pattern=r"[a-zA-Z]([a-zA-Z0-9_])+"), text())),
    "KMSKeyArn": arn(),
    "TracingConfig": struct(Mode=one_of("Active", "PassThrough")),
    "Layers": listing(LAYER),
    "FileSystemConfigs": listing(
        struct(
            "Arn", "LocalMountPath",
            Arn=text(0, 256, r"arn:aws[a-zA-Z-]*:(elasticfilesystem|s3files):.*"),
            LocalMountPath=text(0, 160, r"/mnt/[a-zA-Z0-9-_.]+"),
            S3FilesConfig=struct(DirectS3Read=one_of("ENABLED", "DISABLED")),
        ), 0, 1,
    ),
    "ImageConfig": struct(
        EntryPoint=listing(text(), 0, 1500), Command=listing(text(), 0, 1500), WorkingDirectory=text(0, 1000)
    ),
    "EphemeralStorage": struct("Size", Size=whole(512, 32768)),
    "SnapStart": struct(ApplyOn=one_of("PublishedVersions", "None")),
    "LoggingConfig": struct(
        LogFormat=one_of("JSON", "Text"),
        ApplicationLogLevel=one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        SystemLogLevel=one_of("DEBUG", "INFO", "WARN"),
        LogGroup=text(1, 512, r"[\.\-_/#A-Za-z0-9]+"),
    ),
    "CapacityProviderConfig": struct(
        "LambdaManagedInstancesCapacityProviderConfig", LambdaManagedInstancesCapacityProviderConfig=PROVIDER
    ),
    "DurableConfig": struct(
        RetentionPeriodInDays=whole(1, 90), ExecutionTimeout=whole(1, 31622400), KMSKeyArn=arn()
    ),
    "RuntimeConfig": struct(
        "RuntimeArn", "RuntimeAlias",
        RuntimeArn=text(48, 2048, r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:runtime/.+"), RuntimeAlias=text(1, 128),
    ),
    "AcceleratorConfig": struct("AcceleratorMemorySize", AcceleratorMemorySize=whole(1)),
}  # fmt: skip
CREATE = struct(
    "FunctionName", "Role", "Code",
    **CONFIGURATION,
    FunctionName=text(
        1, 140,
        r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
    ),
    Code=struct(**CODE_MEMBERS),
    Publish=flag,
    PublishTo=one_of("LATEST_PUBLISHED"),
    PackageType=one_of("Zip", "Image"),
    Tags=TAGS,
    CodeSigningConfigArn=SIGNING,
    Architectures=ARCHITECTURES,
    TenancyConfig=struct("TenantIsolationMode", TenantIsolationMode=one_of("PER_TENANT")),
)  # fmt: skip
UPDATE_CONFIGURATION = struct(**CONFIGURATION, RevisionId=REVISION)
UPDATE_CODE = struct(
    **CODE_MEMBERS, Architectures=ARCHITECTURES, Publish=flag, PublishTo=one_of("LATEST_PUBLISHED"), DryRun=flag,
    RevisionId=REVISION,
)  # fmt: skip
TAG_RESOURCE = struct("Tags", Tags=TAGS)
CONCURRENCY = struct("ReservedConcurrentExecutions", ReservedConcurrentExecutions=whole(0))
EVENT_INVOKE = struct(
    MaximumRetryAttempts=whole(0, 2),
    MaximumEventAgeInSeconds=whole(60, 21600),
    DestinationConfig=struct(OnSuccess=DESTINATION, OnFailure=DESTINATION),
)
RECURSION = struct("RecursiveLoop", RecursiveLoop=one_of("Allow", "Terminate"))
RUNTIME_MANAGEMENT = struct(
    "UpdateRuntimeOn",
    UpdateRuntimeOn=one_of("Auto", "Manual", "FunctionUpdate"),
    RuntimeVersionArn=text(26, 2048, PARTITION + r":lambda:[a-z0-9-]+::runtime:.+"),
)
CODE_SIGNING = struct("CodeSigningConfigArn", CodeSigningConfigArn=SIGNING)
PROVISIONED = struct("ProvisionedConcurrentExecutions", ProvisionedConcurrentExecutions=whole(1))
PUBLISH = struct(
    CodeSha256=text(), Description=text(0, 256), RevisionId=REVISION, PublishTo=one_of("LATEST_PUBLISHED")
)
VERSION = text(1, 1024, r"(\$LATEST(\.PUBLISHED)?|[0-9]+)")
ROUTING = struct(AdditionalVersionWeights=mapping(text(1, 1024, r"[0-9]+"), real(0.0, 1.0)))
CREATE_ALIAS = struct(
    "Name", "FunctionVersion",
    Name=text(1, 128, r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)"), FunctionVersion=VERSION, Description=text(0, 256),
    RoutingConfig=ROUTING,
)  # fmt: skip
UPDATE_ALIAS = struct(
    FunctionVersion=VERSION, Description=text(0, 256), RoutingConfig=ROUTING, RevisionId=REVISION
)
CORS = struct(
    AllowCredentials=flag,
    AllowHeaders=listing(text(0, 1024), 0, 100),
    AllowMethods=listing(text(0, 6), 0, 6),
    AllowOrigins=listing(text(1, 253), 0, 100),
    ExposeHeaders=listing(text(0, 1024), 0, 100),
    MaxAge=whole(0, 86400),
)
URL_MEMBERS = {
    "AuthType": one_of("NONE", "AWS_IAM"), "Cors": CORS, "InvokeMode": one_of("BUFFERED", "RESPONSE_STREAM"),
}  # fmt: skip
CREATE_URL = struct("AuthType", **URL_MEMBERS)
UPDATE_URL = struct(**URL_MEMBERS)
SOME_ARN = r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
ADD_PERMISSION = struct(
    "StatementId", "Action", "Principal",
    StatementId=text(1, 100, r"([a-zA-Z0-9-_]+)"),
    Action=text(0, 10000, r"(lambda:[*]|lambda:[a-zA-Z]+|[*])"),
    Principal=text(0, 2048, r"[^\s]+"),
    SourceArn=text(0, 10000, SOME_ARN),
    SourceAccount=text(0, 12, r"\d{12}"),
    EventSourceToken=text(0, 256, r"[a-zA-Z0-9._\-]+"),
    PrincipalOrgID=text(12, 34, r"o-[a-z0-9]{10,32}"),
    FunctionUrlAuthType=one_of("NONE", "AWS_IAM"),
    InvokedViaFunctionUrl=flag,
    RevisionId=REVISION,
)  # fmt: skip
GROUP = text(1, 200, r"[ a-zA-Z0-9-\/*:_+=.@-]*")
REGISTRY = struct(
    SchemaRegistryURI=text(1, 10000, r"[a-zA-Z0-9-\/*:_+=.@-]*"),
    EventRecordFormat=one_of("JSON", "SOURCE"),
    AccessConfigs=listing(
        struct(
            Type=one_of("BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH"),
            URI=text(0, 10000, SOME_ARN),
        )
    ),
    SchemaValidationConfigs=listing(struct(Attribute=one_of("KEY", "VALUE"))),
)
ACCESS = struct(
    Type=one_of(
        "BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP", "SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "VIRTUAL_HOST",
        "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE",
        "OAUTHBEARER_AUDIENCE", "OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH",
    ),
    URI=text(1, 200, r"[ a-zA-Z0-9-\/*:_+=.@-]*"),
)  # fmt: skip
MAPPING_DESTINATION = struct(Destination=text(0, 350, r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|" + SOME_ARN))
UPDATED_MAPPING = {
    "FunctionName": text(1, 256),
    "Enabled": flag,
    "BatchSize": whole(1, 10000),
    "FilterCriteria": struct(Filters=listing(struct(Pattern=text(0, 4096)))),
    "KMSKeyArn": arn(),
    "MetricsConfig": struct(Metrics=listing(one_of("EventCount", "ErrorCount", "KafkaMetrics"), 0, 3)),
    "LoggingConfig": struct(SystemLogLevel=one_of("DEBUG", "INFO", "WARN")),
    "ScalingConfig": struct(MaximumConcurrency=whole(2, 1000)),
    "MaximumBatchingWindowInSeconds": whole(0, 300),
    "ParallelizationFactor": whole(1, 10),
    "DestinationConfig": struct(OnSuccess=MAPPING_DESTINATION, OnFailure=MAPPING_DESTINATION),
    "MaximumRecordAgeInSeconds": whole(-1, 604800),
    "BisectBatchOnFunctionError": flag,
    "MaximumRetryAttempts": whole(-1, 10000),
    "TumblingWindowInSeconds": whole(0, 900),
    "SourceAccessConfigurations": listing(ACCESS, 0, 23),
    "FunctionResponseTypes": listing(one_of("ReportBatchItemFailures"), 0, 1),
    "AmazonManagedKafkaEventSourceConfig": struct(ConsumerGroupId=GROUP, SchemaRegistryConfig=REGISTRY),
    "SelfManagedKafkaEventSourceConfig": struct(
        ConsumerGroupId=GROUP, SchemaRegistryConfig=REGISTRY, ConsumptionMode=one_of("Stream", "Queue")
    ),
    "DocumentDBEventSourceConfig": struct(
        DatabaseName=text(1, 63), CollectionName=text(1, 57), FullDocument=one_of("UpdateLookup", "Default")
    ),
    "ProvisionedPollerConfig": struct(
        MinimumPollers=whole(1, 200), MaximumPollers=whole(1, 10000), PollerGroupName=text(0, 128, r"[a-zA-Z0-9-_]*")
    ),
}
UPDATE_MAPPING = struct(**UPDATED_MAPPING)
CREATE_MAPPING = struct(
    "FunctionName",
    **UPDATED_MAPPING,
    EventSourceArn=text(0, 10000, SOME_ARN),
    StartingPosition=one_of("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"),
    StartingPositionTimestamp=real(0, 1e12),
    Tags=TAGS,
    Topics=listing(text(1, 249, r"[^.]([a-zA-Z0-9\-_.]+)"), 1, 1),
    Queues=listing(text(1, 1000), 1, 1),
    SelfManagedEventSource=struct(
        Endpoints=mapping(one_of("KAFKA_BOOTSTRAP_SERVERS"), listing(text(1, 300), 1, 10), 2)
    ),
)
