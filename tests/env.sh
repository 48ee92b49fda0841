# Where tests/setup keeps what it builds. Source it from bash; it only sets
# variables: KUBE_VERSION, ETCD_VERSION, KUBE_BIN (folder of kube-apiserver,
# kube-controller-manager, kubectl and etcd), PYTHON (interpreter that has
# tests/requirements.txt), BENCH_PEER, BENCH_S3 and AWSCLI (what make bench
# compares with).
# The paths are named after the files that decide their content, so a changed
# version is a new path and never a stale binary.
# shellcheck shell=bash disable=SC2034

TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KUBELAMBDA_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kubelambda

# module_version MODULE GO.MOD: the version that the file asks for, without "v".
module_version() { sed -n "s#^\(require\)\?[[:space:]]*$1 v\([^ ]*\).*#\2#p" "$2"; }
content_key() { cat "$@" | sha256sum | cut -c1-12; }

KUBE_VERSION=$(module_version k8s.io/kubernetes "$TESTS_DIR/cluster/kubernetes/go.mod")
ETCD_VERSION=$(module_version go.etcd.io/etcd/server/v3 "$TESTS_DIR/cluster/etcd/go.mod")
KUBE_BIN=$KUBELAMBDA_CACHE/cluster-$KUBE_VERSION-etcd-$ETCD_VERSION-$(content_key "$TESTS_DIR"/cluster/{kubernetes,etcd}/go.{mod,sum})
PYTHON=$KUBELAMBDA_CACHE/python-$(content_key "$TESTS_DIR/requirements.txt")/bin/python
BENCH_PEER=$KUBELAMBDA_CACHE/peer-$(content_key "$TESTS_DIR"/bench/peer/*)/peer
BENCH_S3=$KUBELAMBDA_CACHE/s3-$(content_key "$TESTS_DIR"/bench/s3/*)/versitygw
AWSCLI_VERSION=1.46.3
AWSCLI=$KUBELAMBDA_CACHE/awscli-$AWSCLI_VERSION/bin/aws
