"""Three replicas behind one address, under a steady load: not one call is lost while they are replaced, their
certificates renewed and the authority changed. KUBELAMBDA_RESTARTS and KUBELAMBDA_FIGHT_SECONDS say how much of that
there is (`make ha`)."""

import os
import time

import pytest
from harness import function, settled, wait_for
from replicas import CONFIGURATIONS, SECRET, Installed

RESTARTS = int(os.environ.get("KUBELAMBDA_RESTARTS", "4"))
FIGHT_S = int(os.environ.get("KUBELAMBDA_FIGHT_SECONDS", "6"))
ROTATE_EVERY = 25  # restarts
LEAVES = 5  # renewals of certificates by the same authority
KILL_S = 17.5  # until another one leads: as in test_leader
LIFETIME = ("--cert-lifetime", "30s")


@pytest.fixture(scope="module")
def installed(cluster, aws, tmp_path_factory):
    one = Installed(cluster, aws.env(), tmp_path_factory.mktemp("ha"))
    one.admit(*[one.start(*LIFETIME) for _ in range(3)])
    yield one
    one.stop()


def renewed(installed):
    """How often a replica, of those that run and those that ran, took a new certificate without a new authority."""
    logs = [path.read_text(encoding="utf-8") for path in installed.directory.glob("*/kubelambda.log")]
    return sum(log.count("two thirds of its life are over") for log in logs)


def test_no_call_fails_while_replicas_are_replaced_and_the_authority_changes(installed):
    wait_for(lambda: installed.ask()[0] == 201)
    began, authorities = time.monotonic(), 0
    with installed.load() as failed:
        for restart in range(RESTARTS):
            if restart % ROTATE_EVERY == 1:
                installed.cluster.request("DELETE", SECRET)
                authorities += 1
            old = installed.balancer.replicas[0]
            installed.admit(installed.start(*LIFETIME))
            installed.retire(old)
        wait_for(lambda: renewed(installed) >= LEAVES, 60, "the certificates being renewed")
    print(
        f"{installed.answered} calls in {time.monotonic() - began:.0f} s, {len(failed)} failed: {RESTARTS} restarts, "
        f"{renewed(installed)} certificates renewed, {authorities} new authorities"
    )
    assert failed == []
    assert installed.right()


def test_who_keeps_changing_the_bundles_back_does_not_win_and_is_told_of(installed):
    replicas = installed.balancer.replicas
    stale = installed.bundles()[0]  # as somebody applied it once; from now on it lacks the authority in force
    installed.cluster.request("DELETE", SECRET)
    wait_for(lambda: installed.right() and installed.secret()["ca.crt"] not in stale, 30, "the new authority")
    repaired = sum(one.metric("kubelambda_certificate_changes_total", what="bundle") for one in replicas)
    wait_for(lambda: all("there is a new authority" in one.log() for one in replicas), 40, "certificates by it")
    until = time.monotonic() + FIGHT_S
    while time.monotonic() < until:
        for path in CONFIGURATIONS:
            installed.write_bundle(stale, path)
        assert all(one.is_ready() for one in replicas)
        time.sleep(1)
    wait_for(installed.right, 15)
    found = sum(one.metric("kubelambda_certificate_changes_total", what="bundle") for one in replicas) - repaired
    assert found >= FIGHT_S / 2
    events = installed.cluster.request("GET", "/api/v1/namespaces/kubelambda-system/events")[1]["items"]
    assert any(one["reason"] == "BundleRepaired" for one in events)


def test_the_death_of_one_replica_fails_only_what_it_had_in_hand(installed):
    with installed.load() as failed:
        dead = installed.balancer.replicas.pop()
        dead.process.kill()
        dead.process.wait()
        installed.admit(installed.start(*LIFETIME))
        time.sleep(2)
    assert len(failed) <= 2  # one for each thread of the load


def test_when_the_leader_is_killed_another_leads_and_only_calls_in_its_hands_fail(installed, cluster, namespace):
    both = [installed.start(controller=True) for _ in range(2)]
    installed.admit(*both)
    wait_for(lambda: any(one.leads() for one in both), what="a leader")
    leader, other = both if both[0].leads() else reversed(both)
    cluster.apply(function("before", namespace))
    settled(cluster, "before", namespace)
    with installed.load() as failed:
        installed.balancer.replicas.remove(leader)
        leader.process.kill()
        leader.process.wait()
        since = time.monotonic()
        cluster.apply(function("after", namespace))
        wait_for(other.leads, KILL_S + 5, "the other one's lead")
        took = time.monotonic() - since
        settled(cluster, "after", namespace)
    cluster.run("delete", "lambdafunctions", "--all", "-n", namespace)
    installed.retire(other)
    assert took <= KILL_S
    assert len(failed) <= 2
