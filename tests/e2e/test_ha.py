"""Three replicas behind one address, under a steady load: not one call is lost while they are replaced.
KUBELAMBDA_RESTARTS says how many are (`make ha`)."""

import os
import time

import pytest
from harness import wait_for
from replicas import SECRET, Installed

RESTARTS = int(os.environ.get("KUBELAMBDA_RESTARTS", "4"))
ROTATE_EVERY = 25  # restarts


@pytest.fixture(scope="module")
def installed(cluster, aws, tmp_path_factory):
    one = Installed(cluster, aws.env(), tmp_path_factory.mktemp("ha"))
    one.admit(*[one.start() for _ in range(3)])
    yield one
    one.stop()


def test_no_call_fails_while_replicas_are_replaced_and_the_authority_changes(installed):
    wait_for(lambda: installed.ask()[0] == 201)
    with installed.load() as failed:
        for restart in range(RESTARTS):
            if restart % ROTATE_EVERY == 1:
                installed.cluster.request("DELETE", SECRET)
            old = installed.balancer.replicas[0]
            installed.admit(installed.start())
            installed.retire(old)
    assert failed == []
    assert installed.right()


def test_the_death_of_one_replica_fails_only_what_it_had_in_hand(installed):
    with installed.load() as failed:
        dead = installed.balancer.replicas.pop()
        dead.process.kill()
        dead.process.wait()
        installed.admit(installed.start())
        time.sleep(2)
    assert len(failed) <= 2  # one for each thread of the load
