# make build   the static binary; the last line printed is its path
# make demo    builds it and runs the main job for real, on small signed fixtures served from loopback
# make check   formatting, lints and every tier of tests; installs what they need
# make check-system   of these, the distribution's systemd-sysupdate with our helpers, alone
# make lint fmt bless docs install bench

# The last line is the path, also when another make runs this one.
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
MACHINE := $(shell uname -m)
SYSROOT := $(shell rustc --print sysroot 2>/dev/null)
# The machine's musl target where Rust has it, else glibc; both are linked statically.
MUSL := $(MACHINE)-unknown-linux-musl
TARGET ?= $(if $(wildcard $(SYSROOT)/lib/rustlib/$(MUSL)/lib),$(MUSL),$(MACHINE)-unknown-linux-gnu)
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BINARY = $(abspath $(CARGO_TARGET_DIR))/$(TARGET)/release/importd
DESTDIR ?=
PREFIX ?= /usr

.PHONY: build demo check check-system lint fmt bless docs install bench

# --target keeps the flags away from build scripts and procedural macros, which must load libraries.
build:
	RUSTFLAGS="$(RUSTFLAGS) -C target-feature=+crt-static" $(CARGO) build --locked --release --target $(TARGET)
	@echo $(BINARY)

demo: build
	$(CARGO) run --locked --quiet --example demo -- $(BINARY)

check:
	tests/install-tools
	tests/run

check-system:
	tests/install-tools
	tests/run system

lint:
	tests/run lint

fmt:
	$(CARGO) fmt

# Rewrites what is rendered or recorded; the difference is the review.
bless:
	IMPORTD_BLESS=1 $(CARGO) test --locked --lib -- ctl helper

docs:
	$(CARGO) doc --locked --no-deps

# A real image and a real tree first, which are what is measured then; needs root and half an hour.
BENCH_DIR ?= $(CARGO_TARGET_DIR)/bench
bench: build
	tests/install-tools bench
	tests/real-image $(BINARY) $(BENCH_DIR)
	tests/real-tree $(BINARY) $(BENCH_DIR)
	tests/bench $(BINARY) $(BENCH_DIR)
	tests/bench-tree $(BINARY) $(BENCH_DIR)

install: build
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/importd
	ln -sf importd $(DESTDIR)$(PREFIX)/bin/importctl
	install -d $(DESTDIR)$(PREFIX)/lib/systemd
	for name in pull import import-fs export; do \
		ln -sf ../../bin/importd $(DESTDIR)$(PREFIX)/lib/systemd/systemd-$$name || exit; done
	install -D -m 0644 man/importctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/importctl.1
	install -D -m 0644 man/systemd-pull.8 $(DESTDIR)$(PREFIX)/share/man/man8/systemd-pull.8
	for name in import import-fs export; do \
		ln -sf systemd-pull.8 $(DESTDIR)$(PREFIX)/share/man/man8/systemd-$$name.8 || exit; done
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(BINARY) importctl --completion=bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/importctl
	$(BINARY) importctl --completion=zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_importctl
	$(BINARY) importctl --completion=fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/importctl.fish
