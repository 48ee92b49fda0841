"""Certificates that nobody has to think about: replicas share one authority, and whatever is deleted, damaged,
reverted or expired comes right by itself."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness import wait_for
from replicas import CONFIGURATIONS, SECRET, Installed

DAY = datetime.timedelta(days=1)


def authority(age, life=365 * DAY):
    """Certificate and key as kubelambda makes them, but made `age` ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubelambda-ca")])
    begin = datetime.datetime.now(datetime.UTC) - age
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.public_bytes(pem).decode(), key.private_bytes(pem, *plain).decode()


@pytest.fixture(scope="module")
def installed(cluster, aws, tmp_path_factory):
    one = Installed(cluster, aws.env(), tmp_path_factory.mktemp("installed"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def replicas(installed):
    """Three, started at the same time without a Secret."""
    started = [installed.start() for _ in range(3)]
    installed.admit(*started)
    return started


def changes(replicas, what):
    return sum(one.metric("kubelambda_certificate_changes_total", what=what) for one in replicas)


def events(cluster, reason):
    """Their messages, each as often as it was told."""
    found = cluster.request("GET", "/api/v1/namespaces/kubelambda-system/events")[1]["items"]
    return [one["message"] for one in found if one["reason"] == reason for _ in range(one["count"])]


def test_three_that_start_at_once_make_one_authority(installed, replicas):
    assert installed.right()
    assert installed.secret()["ca.crt"].count("BEGIN") == 1 and installed.secret()["previous.crt"] == ""
    assert changes(replicas, "authority") == 1
    for path in CONFIGURATIONS:
        hook = installed.cluster.request("GET", path)[1]
        assert hook["webhooks"][0]["clientConfig"]["service"]["name"] == "kubelambda"
        managers = {one["manager"] for one in hook["metadata"]["managedFields"]}
        assert "kubelambda-certs" in managers and "kubelambda" not in managers


@pytest.mark.parametrize("damage", ["deleted", "another key", "no key", "rubbish"])
def test_a_secret_that_is_damaged_is_replaced_while_every_call_succeeds(cluster, installed, replicas, damage):
    old, made = installed.secret(), changes(replicas, "authority")
    leaves = [one.metric("kubelambda_certificate_changes_total", what="leaf") for one in replicas]
    with installed.load() as failed:
        if damage == "deleted":
            assert cluster.request("DELETE", SECRET)[0] == 200
        elif damage == "another key":
            installed.write_secret(ca_key=authority(DAY)[1])
        elif damage == "no key":
            installed.write_secret(ca_key="")
        else:
            installed.write_secret(ca_crt="rubbish", ca_key="rubbish")
        wait_for(lambda: (installed.secret() or old)["ca.crt"] not in (old["ca.crt"], "rubbish"), 20)
        wait_for(installed.right, 20)
        for one, leaf in zip(replicas, leaves, strict=True):
            wait_for(lambda: one.metric("kubelambda_certificate_changes_total", what="leaf") > leaf, 30)  # noqa: B023
    assert failed == []
    assert changes(replicas, "authority") == made + 1
    assert old["ca.crt"] in installed.secret()["previous.crt"]
    why = "was not there" if damage == "deleted" else "was damaged"
    wait_for(lambda: any(why in one for one in events(cluster, "NewAuthority")), 10)


def test_an_authority_in_its_last_third_is_replaced_while_every_call_succeeds(installed, replicas):
    certificate, key = authority(250 * DAY)
    leaves = [one.metric("kubelambda_certificate_changes_total", what="leaf") for one in replicas]
    before = installed.secret()
    with installed.load() as failed:
        installed.write_secret(ca_crt=certificate, ca_key=key, previous_crt=before["ca.crt"])
        wait_for(lambda: installed.secret()["ca.crt"] not in (certificate, before["ca.crt"]), 20)
        wait_for(installed.right, 20)
        for one, leaf in zip(replicas, leaves, strict=True):
            wait_for(lambda: one.metric("kubelambda_certificate_changes_total", what="leaf") > leaf, 30)  # noqa: B023
    assert failed == []
    assert installed.secret()["previous.crt"].count("BEGIN") >= 2
    assert installed.secret()["previous.crt"].startswith(certificate)


@pytest.mark.parametrize("bundle", ["", "rubbish", "foreign"])
def test_a_bundle_that_somebody_changes_is_put_back(cluster, installed, replicas, bundle):
    told = len(events(cluster, "BundleRepaired"))
    for path in CONFIGURATIONS:
        installed.write_bundle(authority(DAY)[0] if bundle == "foreign" else bundle, path)
    wait_for(installed.right, 15)
    assert all(one.is_ready() for one in replicas)  # nobody was taken out of service meanwhile
    wait_for(lambda: len(events(cluster, "BundleRepaired")) > told, 10)


def test_without_the_right_to_the_secret_they_go_on_and_with_it_they_repair(cluster, installed, replicas):
    binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/kubelambda-system/rolebindings/kubelambda"
    made = changes(replicas, "authority")
    assert cluster.request("DELETE", binding)[0] == 200
    cluster.request("DELETE", SECRET)
    wait_for(lambda: all("kubelambda-ca: secrets" in one.log() for one in replicas), 20)
    assert installed.ask()[0] == 201 and all(one.is_ready() for one in replicas)
    assert installed.secret() is None
    cluster.apply_file("manifests/rbac.yaml")
    wait_for(installed.right, 20)
    assert changes(replicas, "authority") == made + 1
    wait_for(lambda: events(cluster, "NewAuthority"), what="an event that tells of it")


def test_an_expired_authority_found_at_the_start_is_replaced(installed, replicas):
    certificate, key = authority(400 * DAY)
    for one in list(replicas):
        installed.balancer.replicas.remove(one)
        assert one.stop() == 0
    installed.write_secret(ca_crt=certificate, ca_key=key, previous_crt="")
    for path in CONFIGURATIONS:
        installed.write_bundle(certificate, path)
    replicas[:] = [installed.start()]
    installed.admit(*replicas)
    wait_for(installed.right, 10)
    assert certificate not in installed.bundles()[0]
    wait_for(lambda: any("has expired" in one for one in events(installed.cluster, "NewAuthority")), 10)
    assert replicas[0].metric("kubelambda_ca_expiry_seconds") > 360 * 24 * 3600


def test_no_key_is_in_any_log(installed, replicas):
    secret = installed.secret()["ca.key"]
    lines = [line for line in secret.splitlines() if "PRIVATE" not in line]
    for log in installed.directory.glob("*/kubelambda.log"):
        assert not any(line in log.read_text(encoding="utf-8") for line in lines)
        assert "PRIVATE KEY" not in log.read_text(encoding="utf-8")
