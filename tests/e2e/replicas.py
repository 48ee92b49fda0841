"""Several replicas behind one address, as a Service in a cluster would have them, and a load on it."""

import base64
import contextlib
import itertools
import threading
import time

import yaml
from harness import ROOT, Serve, function, wait_for
from proxy import Proxy

SECRET = "/api/v1/namespaces/kubelambda-system/secrets/kubelambda-ca"
CONFIGURATIONS = [
    f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/kubelambda"
    for kind in ("mutating", "validating")
]


class Balancer(Proxy):
    """Sends each new connection to the next of its replicas; what is open stays where it is."""

    def __init__(self):
        self.replicas, self.turn = [], itertools.count()
        super().__init__(None)

    @property
    def target(self):
        return self.replicas[next(self.turn) % len(self.replicas)].port

    @target.setter
    def target(self, _):
        pass


class Installed:
    """The manifests' own webhook configurations; their Service leads to the balancer."""

    def __init__(self, cluster, aws_env, directory):
        self.cluster, self.env, self.directory = cluster, aws_env, directory
        self.balancer, self.count = Balancer(), itertools.count(1)
        self.remove()
        self.configure()

    def configure(self):
        name = {"name": "kubelambda", "namespace": "kubelambda-system"}
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": self.balancer.port}]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": spec}
        hooks = list(yaml.safe_load_all((ROOT / "manifests/webhook.yaml").read_text(encoding="utf-8")))
        for hook in hooks:
            hook["webhooks"][0]["clientConfig"]["service"]["port"] = self.balancer.port
        self.cluster.apply(service, *hooks)

    def remove(self):
        for path in (SECRET, *CONFIGURATIONS):
            self.cluster.request("DELETE", path)

    def start(self, *options, controller=False, **rest):
        """One more replica, which gets no request yet."""
        directory = self.directory / f"replica-{next(self.count)}"
        options = (*([] if controller else ["--no-controller"]), "--ca-settle", "2s", *options)
        return Serve(
            self.cluster, self.env, directory, *options, ready=False, service="kubelambda-system/kubelambda",
            **rest,
        )

    def admit(self, *replicas, seconds=30):
        """They get requests once they are ready."""
        for one in replicas:
            wait_for(one.is_ready, seconds, what=f"readiness (log: {one.log_path})")
            self.balancer.replicas.append(one)

    def retire(self, replica):
        """As a pod leaves: no new connections, a while for what is open, SIGTERM."""
        self.balancer.replicas.remove(replica)
        time.sleep(1)
        assert replica.stop() == 0

    def stop(self):
        for one in list(self.balancer.replicas):
            self.balancer.replicas.remove(one)
            assert one.stop() == 0
        self.balancer.off()
        self.remove()
        self.cluster.request("DELETE", "/api/v1/namespaces/kubelambda-system/services/kubelambda")

    # --- what the API server has

    def secret(self):
        """Member -> text; None when there is no Secret."""
        status, secret = self.cluster.request("GET", SECRET)
        return {k: base64.b64decode(v).decode() for k, v in secret["data"].items()} if status == 200 else None

    def bundles(self):
        found = [self.cluster.request("GET", path)[1]["webhooks"][0]["clientConfig"] for path in CONFIGURATIONS]
        return [base64.b64decode(one.get("caBundle", "")).decode() for one in found]

    def write_bundle(self, pem, path=CONFIGURATIONS[0]):
        value = base64.b64encode(pem.encode()).decode()
        step = {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": value}
        assert self.cluster.request("PATCH", path, [step], "application/json-patch+json")[0] == 200

    def write_secret(self, **members):
        data = {name.replace("_", "."): base64.b64encode(text.encode()).decode() for name, text in members.items()}
        patch = {"data": data}
        assert self.cluster.request("PATCH", SECRET, patch, "application/merge-patch+json")[0] == 200

    def ask(self):
        """A server-side dry run through the webhook; what the API server answered."""
        path = "/apis/kubelambda.io/v1alpha1/namespaces/default/lambdafunctions?dryRun=All"
        return self.cluster.request("POST", path, function("asked", "default"))

    def right(self):
        """Both configurations have just what the Secret says, and the webhook answers."""
        secret = self.secret()
        wanted = secret and secret["ca.crt"] + secret["previous.crt"]
        return secret and self.bundles() == [wanted, wanted] and self.ask()[0] == 201

    @contextlib.contextmanager
    def load(self, threads=2):
        """A steady load; the list that it gives says when a call failed, and how. `answered` is how many there
        were in all."""
        failed, answered, over = [], [], threading.Event()

        def run():
            while not over.is_set():
                try:
                    status, answer = self.ask()
                except OSError as error:
                    status, answer = 0, str(error)
                if status == 201:
                    answered.append(status)
                else:
                    failed.append(f"{time.strftime('%T')} {answer}")
                time.sleep(0.02)

        workers = [threading.Thread(target=run) for _ in range(threads)]
        for one in workers:
            one.start()
        try:
            yield failed
        finally:
            over.set()
            for one in workers:
                one.join()
        self.answered = len(answered) + len(failed)
        assert len(answered) > 20
