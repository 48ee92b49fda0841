"""boto3 clients for the emulated AWS, from an env file that tests/aws/up wrote."""

import hashlib
import os

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import ConstantProvider


def client(service, env_file):
    """A client with the keys, region and endpoint of env_file and of nothing else."""
    return connect(service, read_env(env_file))


def read_env(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


def connect(service, env):
    core = botocore.session.Session()
    # The caller's own profile and files must not change what a test does.
    settings = core.get_component("config_store")
    settings.set_config_provider("profile", ConstantProvider(None))
    for name in ("config_file", "credentials_file"):
        settings.set_config_provider(name, ConstantProvider(os.devnull))
    session = boto3.Session(
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_REGION"],
        botocore_session=core,
    )
    result = session.client(
        service,
        endpoint_url=env["AWS_ENDPOINT_URL"],
        # No proxy whatever the environment says; bucket names are not host names here.
        config=Config(proxies={}, s3={"addressing_style": "path"}),
    )
    if service != "s3":  # whose signer sets the header by itself
        result.meta.events.register(f"before-sign.{service}", _add_body_hash)
    return result


def _add_body_hash(request, **_):
    # moto hashes its own idea of the body unless the request tells the hash,
    # and so refuses every signed request without a body.
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
