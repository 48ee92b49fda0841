"""Two replicas, of which one leads: whatever happens to it, AWS gets each change once, and from one of them.
A third one only serves the webhook; it takes no part in the election and outlives what the two suffer."""

import contextlib
import datetime
import os
import pathlib
import signal
import time

import pytest
from harness import LEASE, Serve, all_ready, function, settled, wait_for
from proxy import Proxy

pytestmark = pytest.mark.scripted_aws

TERM_S = 3  # until the other one leads: it looks every two seconds
KILL_S = 17.5  # two for a renewal that it has not seen yet, fifteen for the lease, and the calls
DEADLINE_S = 10


@pytest.fixture(scope="module")
def aws(aws):
    for number in ("1", "2"):
        key = {"id": f"AKIAREPLICA{number}", "secret": number * 40, "user": f"replica-{number}"}
        aws.control("POST", "keys", key)
    return aws


@pytest.fixture(scope="module", autouse=True)
def webhook(cluster, aws, tmp_path_factory):
    one = Serve(cluster, aws.env(), tmp_path_factory.mktemp("webhook"), "--no-controller")
    yield one
    assert one.stop() == 0


class Replica(Serve):
    """A controller with a key of its own, so that the journal tells whose call it was."""

    def __init__(self, cluster, aws, directory, number, *options, **rest):
        self.aws, self.user = aws, f"replica-{number}"
        key = {"AWS_ACCESS_KEY_ID": f"AKIAREPLICA{number}", "AWS_SECRET_ACCESS_KEY": str(number) * 40}
        super().__init__(cluster, aws.env() | key, directory / self.user, "--no-webhook", *options, **rest)

    def sent(self, since=0):
        """Its calls to Lambda."""
        return self.aws.journal(user=self.user, since=since)

    def changed(self, since=0):
        return [one for one in self.sent(since) if not one["operation"].startswith(("Get", "List"))]


@contextlib.contextmanager
def replicas(cluster, aws, directory, *options, first_config=None):
    """The first leads, the second is there."""
    started = []
    try:
        started.append(Replica(cluster, aws, directory, 1, *options, kubeconfig=first_config))
        wait_for(started[0].leads, 3, "the lead of a single replica")
        started.append(Replica(cluster, aws, directory, 2, *options))
        assert [one.leads() for one in started] == [True, False]
        yield started
        cluster.run("delete", "lambdafunctions", "--all", "-A", "--timeout=40s", check=False)
        statuses = [one.stop() for one in started if one.process.returncode is None]
        assert not any(statuses), statuses
    finally:
        for one in started:
            with contextlib.suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGCONT)
            one.kill()


def holder(cluster):
    return cluster.request("GET", LEASE)[1].get("spec", {}).get("holderIdentity")


def leads_within(replica, seconds, since):
    wait_for(replica.leads, seconds + 5, "the other one's lead")
    took = time.monotonic() - since
    assert took <= seconds, f"it took {took:.1f} s"


def versions(cluster, namespace):
    return {name: one["metadata"]["resourceVersion"] for name, one in cluster.functions(namespace).items()}


def test_the_webhook_alone_takes_no_part(cluster, webhook):
    time.sleep(1.5)
    assert not holder(cluster) and not webhook.leads()
    assert webhook.is_ready()


def test_one_leads_and_the_other_is_as_ready(cluster, aws, namespace, tmp_path):
    with replicas(cluster, aws, tmp_path) as (one, other):
        assert one.is_ready() and other.is_ready()
        cluster.apply(function("one", namespace))
        settled(cluster, "one", namespace)
        lease = cluster.request("GET", LEASE)[1]["spec"]
        assert lease["holderIdentity"] in one.log() and lease["leaseDurationSeconds"] == 15
        time.sleep(2.5)
        renewed = cluster.request("GET", LEASE)[1]["spec"]
        assert renewed["acquireTime"] == lease["acquireTime"] and renewed["renewTime"] > lease["renewTime"]
        assert [one["operation"] for one in one.changed()][-1:] == ["CreateFunction"] and other.sent() == []


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGKILL"])
def test_the_other_one_goes_on_in_the_middle_of_thirty_creations(cluster, aws, namespace, tmp_path, ending):
    names = [f"{ending.lower()}-{i}" for i in range(30)]
    with replicas(cluster, aws, tmp_path) as (one, other):
        mark = aws.mark()
        cluster.apply(*[function(name, namespace) for name in names])
        wait_for(lambda: len(one.changed(mark)) >= 5, what="the first functions")
        ended = time.monotonic()
        if ending == "SIGTERM":
            assert one.stop() == 0
        else:
            one.process.kill()
            one.process.wait()
        by_one = one.changed(mark)
        assert len(by_one) < 30, "it was over before it could be ended"
        leads_within(other, TERM_S if ending == "SIGTERM" else KILL_S, ended)
        all_ready(cluster, namespace, 30)
        changes = one.changed(mark) + other.changed(mark)
        created = [entry["name"] for entry in changes if entry["status"] == 201]
        assert sorted(created) == sorted(f"preview-{name}" for name in names)  # each once
        assert {entry["operation"] for entry in changes} == {"CreateFunction"}
        assert one.changed(mark) == by_one


def test_a_takeover_changes_nothing_in_aws_and_in_no_status(cluster, aws, namespace, tmp_path):
    with replicas(cluster, aws, tmp_path) as (one, other):
        cluster.apply(*[function(f"same-{i}", namespace) for i in range(5)])
        all_ready(cluster, namespace, 5)
        before = versions(cluster, namespace)
        mark, ended = aws.mark(), time.monotonic()
        assert one.stop() == 0
        leads_within(other, TERM_S, ended)
        one.start()
        ended = time.monotonic()
        assert other.stop() == 0
        leads_within(one, TERM_S, ended)
        time.sleep(1)
        assert versions(cluster, namespace) == before and one.changed(mark) == other.changed(mark) == []


def starve_elector(pid):
    """The thread that would notice the end of the lead gets the processor last of all, after the workers."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        tid = int(task.name)
        os.sched_setaffinity(tid, {min(os.sched_getaffinity(pid))})
        if (task / "comm").read_text(encoding="ascii").strip() == "lease":
            os.sched_setscheduler(tid, os.SCHED_IDLE, os.sched_param(0))


def test_a_leader_that_was_suspended_before_a_write_does_not_send_it(cluster, aws, namespace, tmp_path):
    """It has said in the status what it will do, sent the code, and waits for GetFunction's answer to send
    the configuration: the next thing that it does is a write, as far as it knows."""
    with replicas(cluster, aws, tmp_path) as (one, other):
        cluster.apply(function("held", namespace))
        settled(cluster, "held", namespace)
        aws.settings(update_ms=1500)
        held = aws.rule("GetFunction", name="preview-held", user=one.user, skip=2, times=1, hold=True)
        code = {"s3Bucket": "artifacts", "s3Key": "app/2.zip"}
        cluster.apply(function("held", namespace, code=code, memorySize=512))
        wait_for(lambda: aws.hits(held), what="the look before the second write")
        starve_elector(one.process.pid)
        one.process.send_signal(signal.SIGSTOP)
        since, mark = time.monotonic(), aws.mark()
        aws.release(held)
        leads_within(other, KILL_S, since)
        settled(cluster, "held", namespace)
        assert [entry["operation"] for entry in other.changed(mark)] == ["UpdateFunctionConfiguration"]
        version = cluster.functions(namespace)["held"]["metadata"]["resourceVersion"]
        one.process.send_signal(signal.SIGCONT)
        wait_for(lambda: "does not lead any more" in one.log(), what="its stepping down")
        wait_for(lambda: not one.leads(), what="the metric")
        time.sleep(3)
        assert one.changed(mark) == [] and other.leads()
        assert cluster.functions(namespace)["held"]["metadata"]["resourceVersion"] == version
        # And it can lead again.
        ended = time.monotonic()
        assert other.stop() == 0
        leads_within(one, TERM_S, ended)
        cluster.apply(function("held", namespace, code=code, memorySize=256))
        settled(cluster, "held", namespace)
        assert aws.function("preview-held")["Configuration"]["MemorySize"] == 256


@pytest.fixture
def kube(cluster, tmp_path):
    """A switch between the first replica and the API server."""
    proxy = Proxy(cluster.server()[0])
    proxy.config = cluster.config_by(f"https://127.0.0.1:{proxy.port}", tmp_path)
    yield proxy
    proxy.off()


@pytest.mark.parametrize("silent", [False, True])
def test_a_leader_without_the_api_server_stops_after_ten_seconds(
    cluster, aws, namespace, tmp_path, kube, silent
):
    with replicas(cluster, aws, tmp_path, "--resync", "1s", first_config=kube.config) as (one, other):
        cluster.apply(function("cut", namespace, memorySize=256))
        settled(cluster, "cut", namespace)
        since = time.monotonic()
        if silent:  # connections are accepted, and then nothing comes
            kube.delay = 60
            kube.cut()
        else:
            kube.off()
        wait_for(lambda: not one.leads(), DEADLINE_S + 3, "the end of its lead")
        assert DEADLINE_S - 2.5 < time.monotonic() - since < DEADLINE_S + 0.5
        wait_for(lambda: "controller has stopped" in one.log(), 2, "the workers' end")
        mark = aws.mark()
        aws.functions.update_function_configuration(FunctionName="preview-cut", MemorySize=1024)
        leads_within(other, KILL_S, since)
        wait_for(lambda: other.changed(mark), what="the drift's correction by the other")
        time.sleep(max(0, since + 20 - time.monotonic()))
        assert one.sent(mark) == [] and one.is_ready()
        kube.delay = 0
        kube.cut() if silent else kube.on()
        cluster.apply(function("cut", namespace, memorySize=512))
        settled(cluster, "cut", namespace)
        time.sleep(3)
        assert one.sent(mark) == [] and other.leads() and not one.leads()


def test_a_lease_that_is_deleted_or_stolen_does_not_make_two_leaders(cluster, aws, namespace, tmp_path):
    with replicas(cluster, aws, tmp_path) as (one, other):
        cluster.request("DELETE", LEASE)
        wait_for(lambda: holder(cluster), 5, "a new lease")
        wait_for(lambda: one.leads() != other.leads(), 5, "one leader")
        leader = one if one.leads() else other
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        stolen = {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 3, "renewTime": now}}
        cluster.request("PATCH", LEASE, stolen, "application/merge-patch+json")
        wait_for(lambda: not leader.leads(), 3, "the end of its lead")
        wait_for(lambda: one.leads() or other.leads(), 7, "the end of the thief's lease")
        cluster.apply(function("still", namespace))
        settled(cluster, "still", namespace)
        assert one.leads() != other.leads()


def test_without_permission_for_the_lease_the_log_says_so(cluster, aws, tmp_path):
    name = f"elsewhere-{os.getpid()}"
    cluster.namespace(name)
    lonely = Replica(cluster, aws, tmp_path, 1, "--namespace", name)
    try:
        wait_for(lambda: "cannot be read or written" in lonely.log(), what="the complaint")
        assert "is forbidden" in lonely.log() and not lonely.leads()
        time.sleep(4)
        assert lonely.log().count("cannot be read or written") == 1
        assert lonely.stop() == 0
    finally:
        lonely.kill()
