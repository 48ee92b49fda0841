"""S3: buckets with a region, objects with versions, delete markers, checksums and storage classes."""

import base64
import email.utils
import hashlib
import io
import secrets
import time
import urllib.parse
import zipfile
from xml.sax.saxutils import escape

from .web import Answer
from .world import Failure


class Version:
    def __init__(self, number, body, storage_class="STANDARD", checksum=None):
        self.id, self.body, self.storage_class = number, body, storage_class  # body None: a delete marker
        self.modified = time.time()
        if body is None:
            return
        self.sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        self.etag = hashlib.md5(body).hexdigest()
        self.checksum = checksum  # as S3 tells it: None, or (value, type)
        self.unzipped = None

    def unzipped_size(self):
        """The size of what is in the zip archive; None when it is none."""
        if self.unzipped is None:
            try:
                with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
                    self.unzipped = sum(one.file_size for one in archive.infolist())
            except zipfile.BadZipFile:
                self.unzipped = -1
        return None if self.unzipped < 0 else self.unzipped


class Bucket:
    def __init__(self, name, region, versioned=False):
        self.name, self.region, self.versioned = name, region, versioned
        self.objects = {}  # key -> [Version], the newest last

    def put(self, key, body, **how):
        number = secrets.token_urlsafe(24) if self.versioned else "null"
        version = Version(number, body, **how)
        if not self.versioned:
            self.objects[key] = []
        self.objects.setdefault(key, []).append(version)
        return version

    def find(self, key, number=None):
        versions = self.objects.get(key, [])
        if number is None:
            return versions[-1] if versions else None
        return next((one for one in versions if one.id == number), None)


def xml(status, text, headers=None):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return Answer(status, body, {"Content-Type": "application/xml", **(headers or {})})


NUMBER = {"x-amz-request-id": "FAKE"}  # on every answer of S3's


def error(failure):
    extra = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in failure.members.items())
    text = f"<Error><Code>{failure.code}</Code><Message>{escape(failure.message)}</Message>{extra}<RequestId>FAKE</RequestId></Error>"
    return xml(failure.status, text, {**NUMBER, **failure.headers})


def split(request):
    """Bucket and key of a path-style request, decoded."""
    bucket, _, key = request.path[1:].partition("/")
    return urllib.parse.unquote(bucket), urllib.parse.unquote(key)


OPERATIONS = {
    ("GET", True): "GetObject", ("HEAD", True): "HeadObject", ("PUT", True): "PutObject",
    ("DELETE", True): "DeleteObject", ("GET", False): "ListObjectsV2", ("HEAD", False): "HeadBucket",
    ("PUT", False): "CreateBucket", ("DELETE", False): "DeleteBucket",
}  # fmt: skip


def operation_of(request):
    bucket, key = split(request)
    if request.has("versioning"):
        return "PutBucketVersioning" if request.method == "PUT" else "GetBucketVersioning"
    if request.has("location"):
        return "GetBucketLocation"
    if not bucket:
        return "ListBuckets"
    return OPERATIONS.get((request.method, bool(key)), "Unknown")


def no_such_bucket(name):
    return Failure(404, "NoSuchBucket", "The specified bucket does not exist", BucketName=name)


def find_bucket(call, name):
    """The bucket, if the request was sent to its region."""
    world, bucket = call.world, call.world.buckets.get(name)
    if not bucket:
        raise no_such_bucket(name)
    if bucket.region == call.region:
        return bucket
    tells = world.settings["s3_tells_region"]
    headers = {"x-amz-bucket-region": bucket.region} if tells or call.operation == "HeadBucket" else {}
    if world.settings["s3_wrong_region"] == 400 and call.operation != "HeadBucket":
        raise Failure(400, "AuthorizationHeaderMalformed", f"The authorization header is malformed; the region '{call.region}' is wrong; expecting '{bucket.region}'", headers, Region=bucket.region)
    raise Failure(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.", headers, Bucket=name)


def find_version(call, bucket, key):
    number = call.request.argument("versionId")
    version = bucket.find(key, number)
    if version is None and number is not None and len(number) < 8 and number != "null":
        raise Failure(400, "InvalidArgument", "Invalid version id specified")
    if version is None or (version.body is None and number is None):
        if version is None and call.user in call.world.settings["s3_hides_missing"]:
            raise Failure(403, "AccessDenied", "Access Denied")
        marker = {"x-amz-delete-marker": "true", "x-amz-version-id": version.id} if version else {}
        code = "NoSuchVersion" if number and bucket.objects.get(key) else "NoSuchKey"
        raise Failure(404, code, "The specified key does not exist.", marker, Key=key)
    if version.body is None:
        modified = {"Last-Modified": email.utils.formatdate(version.modified, usegmt=True), "x-amz-delete-marker": "true"}
        raise Failure(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", modified)
    return version


def get_object(call, bucket, key):
    version = find_version(call, bucket, key)
    headers = {
        "ETag": f'"{version.etag}"',
        "Last-Modified": email.utils.formatdate(version.modified, usegmt=True),
        "Content-Type": "binary/octet-stream",
        "x-amz-server-side-encryption": "AES256",
    }
    if bucket.versioned:
        headers["x-amz-version-id"] = version.id
    if version.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = version.storage_class
    if version.checksum and call.request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers["x-amz-checksum-sha256"], headers["x-amz-checksum-type"] = version.checksum
    if call.operation == "GetObject" and version.storage_class in ("GLACIER", "DEEP_ARCHIVE"):
        raise Failure(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
    return Answer(200, version.body, headers)


def put_object(call, bucket, key):
    headers, body = call.request.headers, call.request.body
    if "aws-chunked" in headers.get("content-encoding", ""):
        raise Failure(501, "NotImplemented", "This fake takes no aws-chunked bodies")
    if headers.get("if-none-match") == "*" and (found := bucket.find(key)) and found.body is not None:
        raise Failure(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    said = headers.get("x-amz-checksum-sha256")
    real = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if said and said != real:
        raise Failure(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")
    version = bucket.put(
        key, body, storage_class=headers.get("x-amz-storage-class", "STANDARD"),
        checksum=(real, "FULL_OBJECT") if said else None,
    )  # fmt: skip
    answer = {"ETag": f'"{version.etag}"'}
    if bucket.versioned:
        answer["x-amz-version-id"] = version.id
    if said:
        answer |= {"x-amz-checksum-sha256": real, "x-amz-checksum-type": "FULL_OBJECT"}
    return Answer(200, b"", answer)


def delete_object(call, bucket, key):
    number = call.request.argument("versionId")
    if number is not None:
        bucket.objects[key] = [one for one in bucket.objects.get(key, []) if one.id != number]
        return Answer(204, b"", {"x-amz-version-id": number})
    if not bucket.versioned:
        bucket.objects.pop(key, None)
        return Answer(204)
    marker = bucket.put(key, None)
    return Answer(204, b"", {"x-amz-delete-marker": "true", "x-amz-version-id": marker.id})


def list_objects(call, bucket, _key):
    prefix, token = call.request.argument("prefix", ""), call.request.argument("continuation-token", "")
    most = int(call.request.argument("max-keys", 1000))
    live = [(key, versions[-1]) for key, versions in sorted(bucket.objects.items()) if versions and versions[-1].body is not None]
    live = [one for one in live if one[0].startswith(prefix) and one[0] > token]
    page = live[:most]
    rows = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(one.modified))}</LastModified>"
        f"<ETag>&quot;{one.etag}&quot;</ETag><Size>{len(one.body)}</Size><StorageClass>{one.storage_class}</StorageClass></Contents>"
        for key, one in page
    )
    more = len(live) > len(page)
    following = f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>" if more else ""
    return xml(200, f"<ListBucketResult><Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount><MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>")


def create_bucket(call, name):
    body = call.request.body.decode("utf-8", "replace")
    region = body.partition("<LocationConstraint>")[2].partition("<")[0] or call.region
    if name in call.world.buckets:
        raise Failure(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
    call.world.buckets[name] = Bucket(name, region)
    return Answer(200, b"", {"Location": f"/{name}"})


def answer(call):
    done = perform(call)
    done.headers |= NUMBER
    return done


def perform(call):
    name, key = split(call.request)
    operation = call.operation
    if operation == "CreateBucket":
        return create_bucket(call, name)
    if operation == "ListBuckets":
        rows = "".join(f"<Bucket><Name>{one}</Name></Bucket>" for one in sorted(call.world.buckets))
        return xml(200, f"<ListAllMyBucketsResult><Buckets>{rows}</Buckets></ListAllMyBucketsResult>")
    bucket = find_bucket(call, name)
    if operation in ("GetObject", "HeadObject"):
        return get_object(call, bucket, key)
    if operation == "PutObject":
        return put_object(call, bucket, key)
    if operation == "DeleteObject":
        return delete_object(call, bucket, key)
    if operation == "ListObjectsV2":
        return list_objects(call, bucket, key)
    if operation == "HeadBucket":
        return Answer(200, b"", {"x-amz-bucket-region": bucket.region})
    if operation == "PutBucketVersioning":
        bucket.versioned = b"<Status>Enabled</Status>" in call.request.body
        return Answer(200)
    if operation == "GetBucketVersioning":
        return xml(200, f"<VersioningConfiguration>{'<Status>Enabled</Status>' if bucket.versioned else ''}</VersioningConfiguration>")
    if operation == "GetBucketLocation":
        return xml(200, f"<LocationConstraint>{bucket.region}</LocationConstraint>")
    if operation == "DeleteBucket":
        del call.world.buckets[name]
        return Answer(204)
    raise Failure(501, "NotImplemented", f"This fake does not know {call.request.method} {call.request.path}")


def fetch_for_lambda(world, region, code):
    """The Version that Lambda reads, or its refusal as Lambda words it."""

    def refuse(s3_code, message):
        return Failure(400, "InvalidParameterValueException", f"Error occurred while GetObject. S3 Error Code: {s3_code}. S3 Error Message: {message}", Type="User")

    bucket = world.buckets.get(code["S3Bucket"])
    if not bucket:
        raise refuse("NoSuchBucket", "The specified bucket does not exist")
    if bucket.region != region:
        raise refuse("PermanentRedirect", f"The bucket is in this region: {bucket.region}. Please use this region to retry the request")
    version = bucket.find(code["S3Key"], code.get("S3ObjectVersion"))
    if version is None or version.body is None:
        gone = code.get("S3ObjectVersion") and bucket.objects.get(code["S3Key"])
        raise refuse("NoSuchVersion", "The specified version does not exist.") if gone else refuse("NoSuchKey", "The specified key does not exist.")
    if version.storage_class in ("GLACIER", "DEEP_ARCHIVE"):
        raise refuse("InvalidObjectState", "The operation is not valid for the object's storage class")
    return version
