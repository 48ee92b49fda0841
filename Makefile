# kubelambda. `make help` lists the targets.

SHELL := bash
CC ?= gcc
ifndef V
.SILENT:
endif
PKG := libmicrohttpd gnutls libcjson libcurl yaml-0.1 zlib
WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wno-format-truncation -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wwrite-strings
CFLAGS ?= -O2 -g
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
# Where it was built must not show in what was built.
SAME := -ffile-prefix-map=$(CURDIR)=.
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
THREADS := -O1 -g -fno-omit-frame-pointer -fsanitize=thread

BASE = -std=gnu17 -D_GNU_SOURCE -I. $(WARN) $(WERROR) -MMD -MP $(shell pkg-config --cflags $(PKG))
LIBS = $(shell pkg-config --libs $(PKG)) -lm -pthread

LIB_SRC := $(wildcard common/*/*.c certs/*.c webhook/*.c controller/*.c)
CLI_SRC := $(wildcard cli/*.c)
TEST_SRC := $(wildcard tests/unit/test_*.c)
MODEL_SRC := $(wildcard tests/model/*.c)
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TESTS := $(TEST_SRC:tests/unit/%.c=build/test/%) $(FUZZ:%=build/test/fuzz_%) build/test/model
# Those in which threads meet, once more under the thread sanitizer.
THREADED := $(patsubst tests/unit/%.c,build/test-tsan/%,$(shell grep -lE 'pthread_create|http_start|reconcile_scene|_peer\.h' $(TEST_SRC)))
# gcc's cannot start where the kernel scatters addresses widely.
UNSCATTERED = $(shell setarch -R true 2>/dev/null && echo setarch -R)

all: build/kubelambda

build/kubelambda: $(LIB_SRC:%.c=build/release/%.o) $(CLI_SRC:%.c=build/release/%.o)
	$(CC) $(HARDEN_LD) $(LDFLAGS) $^ $(LIBS) -o $@

# The same binary under the address and undefined-behaviour sanitizers, for the tests.
build/kubelambda-sanitized: $(LIB_SRC:%.c=build/sanitized/%.o) $(CLI_SRC:%.c=build/sanitized/%.o)
	$(CC) $(SANITIZE) $^ $(LIBS) -o $@

# And under the thread sanitizer.
build/kubelambda-tsan: $(LIB_SRC:%.c=build/tsan/%.o) $(CLI_SRC:%.c=build/tsan/%.o)
	$(CC) $(THREADS) $^ $(LIBS) -o $@

build/release/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $<"
	$(CC) $(BASE) $(CFLAGS) $(HARDEN) $(SAME) -c $< -o $@

build/sanitized/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $< (sanitized)"
	$(CC) $(BASE) $(SANITIZE) -c $< -o $@

build/tsan/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $< (threads)"
	$(CC) $(BASE) $(THREADS) -c $< -o $@

build/sanitized.a: $(LIB_SRC:%.c=build/sanitized/%.o) $(filter-out %/main.o,$(CLI_SRC:%.c=build/sanitized/%.o))
	rm -f $@
	ar rcs $@ $^

build/tsan.a: $(LIB_SRC:%.c=build/tsan/%.o) $(filter-out %/main.o,$(CLI_SRC:%.c=build/tsan/%.o))
	rm -f $@
	ar rcs $@ $^

build/test-tsan/%: build/tsan/tests/unit/%.o build/tsan.a
	mkdir -p $(@D)
	$(CC) $(THREADS) $^ $(LIBS) -lcmocka -o $@

build/test/%: build/sanitized/tests/unit/%.o build/sanitized.a
	mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(LIBS) -lcmocka -o $@

# The controller without its clock and its connections: what tests/model/seams.c has comes first.
build/test/model: $(MODEL_SRC:%.c=build/sanitized/%.o) build/sanitized.a
	mkdir -p $(@D)
	$(CC) $(SANITIZE) -Wl,--allow-multiple-definition $^ $(LIBS) -o $@

# The same, fast.
build/model: $(MODEL_SRC:%.c=build/release/%.o) $(LIB_SRC:%.c=build/release/%.o)
	$(CC) $(HARDEN_LD) -Wl,--allow-multiple-definition $^ $(LIBS) -o $@

# A fuzz target that is fed its corpus once.
FUZZ_HELP := tests/fuzz/patch.o tests/property/review_world.o
build/test/fuzz_%: build/sanitized/tests/fuzz/fuzz_%.o build/sanitized/tests/fuzz/replay.o \
		$(FUZZ_HELP:%=build/sanitized/%) build/sanitized.a
	mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(LIBS) -o $@

# What the tests beside the unit tests drive.
build/test-tools/%: build/sanitized/tests/property/%.o build/sanitized/tests/property/review_world.o build/sanitized.a
	mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(LIBS) -o $@

# What is made from the tables of fields: file and what makes it. CI fails when the committed files differ.
MADE := manifests/crd.yaml=crd manifests/crd-lambdapolicies.yaml=crd-lambdapolicies \
	docs/fields.md=reference docs/policy-fields.md=policy-reference

manifests: build/generate
	for one in $(MADE); do build/generate "$${one#*=}" >build/made && mv build/made "$${one%=*}" || exit; done

build/generate: build/release/manifests/generate.o $(filter build/release/common/base/% build/release/common/function/%,$(LIB_SRC:%.c=build/release/%.o))
	$(CC) $(HARDEN_LD) $^ $(LIBS) -o $@

# Unit tests and the quick lints: seconds, no network.
check: manifests-fresh $(TESTS)
	tests/lint/run layers banned sizes
	tests/report $(TESTS)

manifests-fresh: build/generate
	for one in $(MADE); do build/generate "$${one#*=}" | cmp -s - "$${one%=*}" || \
		{ echo "$${one%=*} is stale: run make manifests" >&2; exit 1; }; done

lint:
	tests/setup build lint
	tests/lint/run

# Everything. The parts that compile are made anew after tests/setup installed what they need.
test:
	tests/setup build cluster aws
	$(MAKE) --no-print-directory test-installed

test-installed: manifests-fresh $(TESTS) $(THREADED) build/kubelambda build/kubelambda-sanitized build/kubelambda-tsan \
		build/test-tools/review_driver
	rm -f build/e2e.xml
	. tests/env.sh && KUBE_BIN=$$KUBE_BIN "$$PYTHON" -m pytest -q -n 2 --dist loadfile \
		tests/aws tests/property tests/e2e --junit-xml=build/e2e.xml || true
	SCHEDULES=5000 $(UNSCATTERED) tests/report --timeout 600 --junit build/e2e.xml $(TESTS) $(THREADED)

# The main job on the real parts, with the release build.
demo:
	tests/setup build cluster aws
	$(MAKE) --no-print-directory build/kubelambda
	. tests/env.sh && KUBE_BIN=$$KUBE_BIN "$$PYTHON" tests/demo.py

# No call may be lost: many restarts of replicas under load, with new authorities in between. Takes some minutes.
ha: build/kubelambda-sanitized
	tests/setup build cluster aws
	. tests/env.sh && KUBELAMBDA_RESTARTS=50 KUBELAMBDA_FIGHT_SECONDS=60 KUBE_BIN=$$KUBE_BIN "$$PYTHON" -m pytest -q -s tests/e2e/test_ha.py

# A hundred rollouts of 150 functions, each killed three times at random moments. An hour.
crash: build/kubelambda-sanitized
	tests/setup build cluster aws
	. tests/env.sh && KUBELAMBDA_ROLLOUTS=100 KUBE_BIN=$$KUBE_BIN "$$PYTHON" -m pytest -q tests/e2e/test_crash.py -k random

# A hundred thousand random schedules of edits, faults, crashes and two replicas. MODEL_SEED= repeats them. Minutes.
SCHEDULES ?= 100000
model: build/model
	SCHEDULES=$(SCHEDULES) build/model

# The thread sanitizer on all that the controller does; make test has the small of it. A quarter of an hour.
tsan: build/kubelambda-tsan $(THREADED)
	tests/setup build cluster aws
	$(UNSCATTERED) tests/report $(THREADED)
	. tests/env.sh && KUBELAMBDA=build/kubelambda-tsan KUBE_BIN=$$KUBE_BIN $(UNSCATTERED) \
		"$$PYTHON" -m pytest -q tests/e2e/test_{controller,crash,drift,faults,leader,races,states,storms}.py \
		-k "not thousand and not no_cpu"

# 150 functions of an independent client, with everything they may have, come under kubelambda. Some minutes.
migration: build/kubelambda-sanitized
	tests/setup build cluster aws
	. tests/env.sh && KUBELAMBDA_IMPORTED=150 KUBE_BIN=$$KUBE_BIN "$$PYTHON" -m pytest -q -s tests/e2e/test_import.py -k adopted

# Everything at once for half an hour, on the release build: nothing may grow. SOAK_MINUTES says how long.
SOAK_MINUTES ?= 30
soak: build/kubelambda
	tests/setup build cluster aws
	. tests/env.sh && KUBELAMBDA=build/kubelambda SOAK_MINUTES=$(SOAK_MINUTES) KUBE_BIN=$$KUBE_BIN \
		"$$PYTHON" -m pytest -q -s tests/e2e/test_soak.py

# The leak checker on the release build.
MEMCHECK := valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
	--error-exitcode=99 --num-callers=30
valgrind: build/kubelambda
	tests/setup build cluster aws valgrind
	. tests/env.sh && KUBELAMBDA=build/kubelambda KUBELAMBDA_UNDER="$(MEMCHECK)" KUBE_BIN=$$KUBE_BIN "$$PYTHON" -m pytest -q \
		tests/e2e/test_controller.py tests/e2e/test_admission.py tests/e2e/test_versions.py -k "$(VALGRIND)"
# One of them measures time.
VALGRIND ?= (created or changed or removed or deleted or refused or version or alias) and not one_write

# Ten thousand connections of clients that ask nothing, on the release build.
siege: build/kubelambda
	tests/setup build cluster aws
	. tests/env.sh && KUBELAMBDA=build/kubelambda KUBELAMBDA_CONNECTIONS=10000 KUBE_BIN=$$KUBE_BIN \
		"$$PYTHON" -m pytest -q -s tests/e2e/test_connections.py

# Looks for inputs that break what reads the outside: FUZZ="json yaml" chooses, FUZZ_SECONDS are for each: 1200 is
# the whole, which ends earlier after ten million inputs.
FUZZ_SECONDS ?= 60
fuzz:
	tests/setup build fuzz
	$(MAKE) --no-print-directory build/generate $(FUZZ:%=build/fuzz/%)
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

CLANG ?= clang
CLANG_QUIET := -Wno-unknown-warning-option -Wno-sign-conversion
FUZZED := -O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined $(CLANG_QUIET)
# Without the comparisons: the tables are full of them, and the words are in the dictionary. Twice as fast.
TRACED := -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp

# Whose inputs are JSON, changed value by value.
FUZZ_JSON := import plan policy review rollback
$(FUZZ_JSON:%=build/fuzz/%): build/fuzzed/tests/fuzz/mutate_json.o

build/fuzz/%: build/fuzzed/tests/fuzz/fuzz_%.o $(FUZZ_HELP:%=build/fuzzed/%) build/fuzzed.a
	mkdir -p $(@D)
	$(CLANG) $(FUZZED) -fsanitize=fuzzer $^ $(LIBS) -o $@

build/fuzzed.a: $(LIB_SRC:%.c=build/fuzzed/%.o) $(filter-out %/main.o,$(CLI_SRC:%.c=build/fuzzed/%.o))
	rm -f $@
	ar rcs $@ $^

# Which lines of what reads the outside the corpora reach.
fuzz-coverage:
	tests/setup build fuzz
	$(MAKE) --no-print-directory $(FUZZ:%=build/covered/fuzz_%)
	tests/fuzz/coverage $(FUZZ)

COVERED := -O1 -g -fprofile-instr-generate -fcoverage-mapping $(CLANG_QUIET)

build/covered/fuzz_%: build/covered/tests/fuzz/fuzz_%.o build/covered/tests/fuzz/replay.o \
		$(FUZZ_HELP:%=build/covered/%) build/covered.a
	$(CLANG) $(COVERED) $^ $(LIBS) -o $@

build/covered.a: $(LIB_SRC:%.c=build/covered/%.o) $(filter-out %/main.o,$(CLI_SRC:%.c=build/covered/%.o))
	rm -f $@
	ar rcs $@ $^

build/covered/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $< (covered)"
	$(CLANG) $(BASE) $(COVERED) -c $< -o $@

build/fuzzed/%.o: %.c
	mkdir -p $(@D)
	echo "  CC    $< (fuzzed)"
	$(CLANG) $(BASE) $(FUZZED) $(TRACED) -c $< -o $@

IMAGE ?= kubelambda:$(shell sed -n 's/^\#define KUBELAMBDA_VERSION "\(.*\)"/\1/p' cli/cli.h)

image:
	builder=$$(command -v buildah || command -v podman) || \
		{ echo "make image needs buildah or podman; neither is installed" >&2; exit 1; }; \
	"$$builder" build --file Containerfile --tag "$(IMAGE)" .

# The libraries of the binary with their versions, for scanners.
sbom: build/kubelambda
	packaging/sbom build/kubelambda

# The same from Debian's packages alone, without a registry of images, and a run of it. As root, some minutes.
image-test:
	tests/image

PREFIX ?= /usr/local

install: build/kubelambda
	packaging/man build/kubelambda >build/kubelambda.1
	install -D -m 755 build/kubelambda "$(DESTDIR)$(PREFIX)/bin/kubelambda"
	install -D -m 644 build/kubelambda.1 "$(DESTDIR)$(PREFIX)/share/man/man1/kubelambda.1"
	# The names by which kubectl finds its plugin and that one's completion.
	for one in kubectl-lambda kubectl_complete-lambda; do ln -sf kubelambda "$(DESTDIR)$(PREFIX)/bin/$$one" || exit; done
	for one in bash=bash-completion/completions/kubelambda zsh=zsh/site-functions/_kubelambda \
		fish=fish/vendor_completions.d/kubelambda.fish; do \
		build/kubelambda completion "$${one%%=*}" >build/made && \
			install -D -m 644 build/made "$(DESTDIR)$(PREFIX)/share/$${one#*=}" || exit; done

# How fast and how small, beside a webhook of the usual kind and the limit of the stack.
# BENCH=part… runs only those parts.
bench:
	tests/setup build cluster aws bench
	$(MAKE) --no-print-directory build/kubelambda build/bench/load build/bench/bare
	. tests/env.sh && KUBE_BIN=$$KUBE_BIN BENCH_PEER=$$BENCH_PEER BENCH_S3=$$BENCH_S3 AWSCLI=$$AWSCLI \
		KUBELAMBDA=build/kubelambda PYTHONPATH=tests/e2e "$$PYTHON" tests/bench/bench.py $(BENCH)

build/bench/%: build/release/tests/bench/%.o $(filter build/release/common/base/%,$(LIB_SRC:%.c=build/release/%.o))
	mkdir -p $(@D)
	$(CC) $(HARDEN_LD) $^ $(LIBS) -o $@

help:
	echo "make [all]      build/kubelambda"
	echo "make demo       the main job on a real API server and an AWS emulator"
	echo "make test       everything: unit and end-to-end tests under sanitizers"
	echo "make check      unit tests and quick lints, seconds"
	echo "make lint       all lints"
	echo "make bench      figures beside those of other webhooks, 15 minutes"
	echo "make manifests  what is made from the table of fields"
	echo "make ha         many restarts under load: no call may be lost"
	echo "make migration  150 existing functions imported and adopted"
	echo "make siege      10,000 connections that ask nothing: the webhook goes on answering"
	echo "make soak       half an hour of everything at once: nothing grows"
	echo "make valgrind   leaks of the release build over the main end-to-end tests"
	echo "make fuzz       looks for inputs that break a parser, a minute each"
	echo "make fuzz-coverage  which lines of the parsers the fuzzers' inputs reach"
	echo "make crash      a hundred rollouts that are killed at random moments"
	echo "make model      100,000 random schedules of edits, faults, crashes and two replicas"
	echo "make tsan       the thread sanitizer on the controller's end-to-end tests"
	echo "make image      the container image, with buildah or podman"
	echo "make sbom       the libraries of the binary with their versions, as CycloneDX"
	echo "make image-test the image from Debian's packages alone, built and run"
	echo "make install    the binary, its manual page, completion, kubectl lambda; DESTDIR and PREFIX apply"
	echo "make clean      removes build/"

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all manifests manifests-fresh check lint fuzz fuzz-coverage test test-installed demo ha crash model tsan soak valgrind siege migration sbom image image-test install bench help clean
.SECONDARY:
