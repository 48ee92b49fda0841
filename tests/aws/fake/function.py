"""One Lambda function as AWS keeps it: its members, its states, and how it shows them."""

import base64
import copy
import hashlib
import json
import time
import uuid

from .world import Failure

CREATING = "The function is being created."
RESERVED = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}  # fmt: skip
DEFAULTS = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
}
# Shown as they were sent, when they were.
PLAIN = (
    "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "TracingConfig", "EphemeralStorage",
    "FileSystemConfigs", "TenancyConfig", "CapacityProviderConfig", "DurableConfig", "RuntimeConfig",
    "AcceleratorConfig", "KMSKeyArn", "DeadLetterConfig", "Environment",
)  # fmt: skip
NOT_LISTED = (
    "State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode", "RuntimeVersionConfig",
)  # fmt: skip


def invalid(message):
    return Failure(400, "InvalidParameterValueException", message, Type="User")


def conflict(message):
    return Failure(409, "ResourceConflictException", message, Type="User")


def stale():
    return Failure(
        412, "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
        "retrieve the latest Revision Id", Type="User",
    )  # fmt: skip


def check_environment(environment):
    variables = (environment or {}).get("Variables") or {}
    head = "Lambda was unable to configure your environment variables because the environment variables you have provided"
    reserved = sorted(RESERVED & set(variables))
    if reserved:
        raise invalid(
            f"{head} contains reserved keys that are currently not supported for modification. Reserved keys used "
            f"in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > 4096:
        raise invalid(f"{head} exceeded the 4KB limit. String measured: {measured}")


def check_layers(layers, region, missing):
    names = [layer.rsplit(":", 1)[0] for layer in layers]
    if len(layers) > 5:
        raise invalid("Cannot reference more than 5 layers.")
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Two different versions of the same layer are not allowed to be referenced in the same function. {name}")
    for layer in layers:
        if layer.split(":")[3] not in (region, ""):
            raise invalid(f"Layers are not in the same region as the function. Layers are expected to be in region {region}.")
        if layer in missing:
            raise invalid(f"Layer version {layer} does not exist.")


def without_nothing(value):
    """Without members that are null: they count as absent."""
    if isinstance(value, dict):
        return {key: without_nothing(one) for key, one in value.items() if one is not None}
    return value


class Function:
    def __init__(self, world, account, region, name):
        self.world, self.account, self.region, self.name = world, account, region, name
        self.arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        self.members = copy.deepcopy(DEFAULTS)
        self.tags, self.code = {}, {}
        self.package, self.architectures = "Zip", ["x86_64"]
        self.state, self.reason = "Pending", ("Creating", CREATING)
        self.update, self.update_reason = None, None
        self.ready_at, self.failing, self.before = 0.0, None, None
        self.reserved, self.recursive = None, "Terminate"
        self.event_invoke, self.provisioned, self.runtime_management = {}, {}, {}
        self.signing = None
        self.versions, self.aliases = [], {}
        self.urls, self.policies = {}, {}  # by qualifier; None: the function's own
        self.touch()

    def touch(self):
        self.revision = str(uuid.uuid4())
        self.modified = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(self.world.wall()))

    # --- states -------------------------------------------------------------------------------

    def begin(self, ms, failing):
        """Busy from now on; `failing` says how it will end: None, or {"code", "reason"}."""
        self.ready_at, self.failing = self.world.now() + ms / 1000, failing
        self.touch()

    def begin_update(self, failing):
        self.before = (copy.deepcopy(self.members), dict(self.code), list(self.architectures))
        self.update, self.update_reason = "InProgress", ("Creating", CREATING)
        self.begin(self.world.settings["update_ms"], failing)

    def settle(self):
        """Ends what takes time, once it has taken its time."""
        if (self.state != "Pending" and self.update != "InProgress") or self.world.now() < self.ready_at:
            return
        reason = (self.failing["code"], self.failing["reason"]) if self.failing else None
        if self.state == "Pending":
            self.state, self.reason = ("Failed", reason) if reason else ("Active", None)
            self.update = "Successful" if not reason else "Failed"
            self.update_reason = reason
        else:
            self.update, self.update_reason = ("Failed", reason) if reason else ("Successful", None)
            if reason and self.world.settings["failed_update_keeps"] == "old":
                self.members, self.code, self.architectures = self.before
        self.failing = self.before = None
        self.revision = str(uuid.uuid4())

    def check_idle(self):
        if self.state in ("Pending", "Failed"):
            raise conflict(f"The operation cannot be performed at this time. The function is currently in the following state: {self.state}")
        if self.update == "InProgress":
            raise conflict(f"The operation cannot be performed at this time. An update is in progress for resource: {self.arn}")

    def check_revision(self, body):
        if body.get("RevisionId") and body["RevisionId"] != self.revision:
            raise stale()

    # --- members ------------------------------------------------------------------------------

    def check_rules(self, members):
        """What the model does not say; `members` is what would be in force."""
        managed, fast = "CapacityProviderConfig" in members, "AcceleratorConfig" in members
        found = []
        for name, limit, lifted in (("Timeout", 900, managed), ("MemorySize", 10240, managed or fast)):
            if members[name] > limit and not lifted:
                lower = name[0].lower() + name[1:]
                found.append(f"Value '{members[name]}' at '{lower}' failed to satisfy constraint: Member must have value less than or equal to {limit}")
        if members["EphemeralStorage"]["Size"] > 10240 and not fast:
            found.append(f"Value '{members['EphemeralStorage']['Size']}' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to 10240")
        if found:
            raise Failure(400, "ValidationException", f"{len(found)} validation error{'s' * (len(found) > 1)} detected: {'; '.join(found)}")
        check_environment(members.get("Environment"))
        check_layers(members.get("Layers") or [], self.region, self.world.settings["missing_layers"])
        logging = members.get("LoggingConfig") or {}
        if logging.get("LogFormat", "Text") == "Text" and ("ApplicationLogLevel" in logging or "SystemLogLevel" in logging):
            raise invalid("To customize log levels, you must set LogFormat to JSON.")
        vpc = members.get("VpcConfig") or {}
        if bool(vpc.get("SubnetIds")) != bool(vpc.get("SecurityGroupIds")):
            raise invalid("The VPC configuration needs both subnets and security groups.")
        if any(":elasticfilesystem:" in one["Arn"] for one in members.get("FileSystemConfigs") or []) and not vpc.get("SubnetIds"):
            raise invalid("Function must be configured to execute in a VPC to reference access point.")
        if self.package == "Image":
            if members.get("Runtime") or members.get("Handler") or members.get("Layers"):
                raise invalid("Please don't provide Runtime, Handler or Layers when the intent is to use an image.")
        elif members.get("ImageConfig"):
            raise invalid("ImageConfig is only for functions created from container images.")
        elif not members.get("Runtime") or not members.get("Handler"):
            raise invalid("Runtime and handler are mandatory parameters for functions created with deployment packages.")

    def merged(self, body):
        """The members after a request: absent ones stay, those given are replaced as a whole."""
        members = copy.deepcopy(self.members)
        for name, value in without_nothing(body).items():
            if name == "VpcConfig":
                members[name] = {**members.get(name, {}), **value}
            elif name == "Environment":
                if "Variables" in value:
                    members[name] = value
            elif name in ("TracingConfig", "SnapStart", "DeadLetterConfig", "LoggingConfig"):
                old = members.get(name, {})
                if name == "LoggingConfig" and value.get("LogFormat") == "Text":
                    old = {key: one for key, one in old.items() if key == "LogGroup"}
                members[name] = {**old, **value}
            else:
                members[name] = value
        return members

    def set_code(self, sha256, size, image=None, source=None):
        self.code = {"sha256": sha256, "size": size, "image": image, "source": source}

    # --- as AWS shows it ----------------------------------------------------------------------

    def configuration(self):
        members = self.members
        shown = {name: copy.deepcopy(members[name]) for name in PLAIN if name in members}
        for name in ("KMSKeyArn", "FileSystemConfigs"):
            if not shown.get(name):
                shown.pop(name, None)
        if not (shown.get("DeadLetterConfig") or {}).get("TargetArn"):
            shown.pop("DeadLetterConfig", None)
        if not (shown.get("Environment") or {}).get("Variables"):
            shown.pop("Environment", None)
        if members.get("Layers"):
            shown["Layers"] = [{"Arn": one, "CodeSize": 1024} for one in members["Layers"]]
        if "VpcConfig" in members:
            vpc = members["VpcConfig"]
            shown["VpcConfig"] = {
                "SubnetIds": vpc.get("SubnetIds", []),
                "SecurityGroupIds": vpc.get("SecurityGroupIds", []),
                "VpcId": "vpc-0fa4e" if vpc.get("SubnetIds") else "",
                "Ipv6AllowedForDualStack": vpc.get("Ipv6AllowedForDualStack", False),
            }
        if members.get("ImageConfig"):
            shown["ImageConfigResponse"] = {"ImageConfig": copy.deepcopy(members["ImageConfig"])}
        self.add_derived(shown)
        return shown

    def add_derived(self, shown):
        logging = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.name}", **self.members.get("LoggingConfig", {})}
        if logging["LogFormat"] == "JSON":
            logging = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **logging}
        shown |= {
            "FunctionName": self.name,
            "FunctionArn": self.arn,
            "PackageType": self.package,
            "Architectures": list(self.architectures),
            "CodeSha256": self.code.get("sha256"),
            "CodeSize": self.code.get("size"),
            "LoggingConfig": logging,
            "SnapStart": {"ApplyOn": "None", **self.members.get("SnapStart", {}), "OptimizationStatus": "Off"},
            "Version": "$LATEST",
            "RevisionId": self.revision,
            "LastModified": self.modified,
            "State": self.state,
        }
        shown["ConfigSha256"] = base64.b64encode(hashlib.sha256(json.dumps(self.members, sort_keys=True).encode()).digest()).decode()
        if self.package == "Zip":
            shown["RuntimeVersionConfig"] = {"RuntimeVersionArn": f"arn:aws:lambda:{self.region}::runtime:{'0' * 64}"}
        if self.reason:
            shown["StateReasonCode"], shown["StateReason"] = self.reason
        if self.update:
            shown["LastUpdateStatus"] = self.update
        if self.update_reason:
            shown["LastUpdateStatusReasonCode"], shown["LastUpdateStatusReason"] = self.update_reason

    def listed(self):
        return {key: value for key, value in self.configuration().items() if key not in NOT_LISTED}

    def code_location(self):
        if self.package == "Image":
            return {"RepositoryType": "ECR", "ImageUri": self.code["image"], "ResolvedImageUri": f"{self.code['image'].split('@')[0].rsplit(':', 1)[0]}@sha256:{self.code['sha256']}"}
        source = self.code.get("source") or {}
        shown = {"RepositoryType": "S3", "Location": f"https://awslambda-{self.region}-tasks.s3.{self.region}.amazonaws.com/snapshots/{self.account}/{self.name}?X-Amz-Expires=600"}
        if source.get("S3ObjectStorageMode") == "REFERENCE":
            shown["ResolvedS3Object"] = {key: source[key] for key in ("S3Bucket", "S3Key", "S3ObjectVersion") if key in source}
        if source.get("SourceKMSKeyArn"):
            shown["SourceKMSKeyArn"] = source["SourceKMSKeyArn"]
        return shown
