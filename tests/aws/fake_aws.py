"""Starts the scripted AWS and drives it: clients for its API, and its control endpoint."""

import http.client
import json
import os
import pathlib
import subprocess
import urllib.parse

from client import client, read_env

HERE = pathlib.Path(__file__).resolve().parent


class Fake:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        subprocess.run([HERE / "fake-up", self.directory, "--owner", str(os.getpid())], check=True)
        self.address = urllib.parse.urlsplit(read_env(self.directory / "admin.env")["AWS_ENDPOINT_URL"]).netloc
        self.functions = client("lambda", self.directory / "admin.env")
        self.objects = client("s3", self.directory / "admin.env")

    def stop(self):
        subprocess.run([HERE / "fake-down", self.directory], check=True)

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, f"/_fake/{path}", json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, text
        return json.loads(text)

    def reset(self):
        """As after its start, keys and port aside."""
        self.control("POST", "reset")

    def settings(self, **settings):
        return self.control("POST", "settings", settings)

    def rule(self, operation, *, name="*", user="kubelambda", times=None, skip=0, **then):
        """What happens to calls of that operation instead, or as well; see fake/README.md. Its number."""
        settings = {"operation": operation, "name": name, "user": user, "skip": skip, "then": then}
        if times is not None:
            settings["times"] = times
        return self.control("POST", "rules", settings)["rule"]

    def rules_off(self):
        self.control("DELETE", "rules")

    def hits(self, number):
        return self.control("GET", "rules")[number]["hits"]

    def release(self, number):
        self.control("POST", "release", {"rule": number})

    def advance(self, seconds):
        self.control("POST", "clock", {"advance_s": seconds})

    def change(self, name, **members):
        """Sets what no API call can: state, reason, update, update_reason."""
        self.control("POST", "functions", {"name": name, "set": members})

    def journal(self, *operations, name=None, user="kubelambda", since=0):
        """The calls in their order, of one user, to these operations (none: all of Lambda)."""
        return [
            one
            for one in self.control("GET", f"journal?since={since}")
            if one["user"] == user
            and (one["operation"] in operations if operations else one["service"] == "lambda")
            and (name is None or name == function_of(one["name"]))
        ]

    def sha256(self, key, bucket="artifacts"):
        """Base64, as Lambda tells it, of an object that was uploaded with its checksum."""
        return self.objects.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")["ChecksumSHA256"]

    def mark(self):
        """The number of the newest entry of the journal."""
        journal = self.control("GET", "journal")
        return journal[-1]["number"] if journal else 0


def function_of(name):
    """A function's name, of its name or ARN."""
    return (name or "").rpartition(":function:")[2]
