# make build   the static binary; the last line printed is its path. FEATURES=initrd leaves importctl, the daemon and the buses out
# make demo    builds it and runs the main job for real, on small signed fixtures served from loopback
# make check   formatting, lints and every tier of tests; installs what they need
# make check-system   of these, alone, what needs the distribution's own systemd: units, sysupdate with our helpers, boots
#                     that fetch images, and our daemon and importctl in place of its own
# make check-boot check-boot-all   a machine of QEMU's whose root file system comes from a server: as in check, or in all ways, and
#                     then what the program adds to an initrd beside what the distribution's does
# make install uninstall   with DESTDIR= and PREFIX=
# make bench   side by side with systemd's own: bench/RESULTS.md
# make real    a real image and a real tree, in every format and by every kind of signature
# make lint fmt bless docs

# The last line is the path, also when another make runs this one.
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
MACHINE := $(shell uname -m)
SYSROOT := $(shell rustc --print sysroot 2>/dev/null)
# The machine's musl target where Rust has it, else glibc; both are linked statically.
MUSL := $(MACHINE)-unknown-linux-musl
TARGET ?= $(if $(wildcard $(SYSROOT)/lib/rustlib/$(MUSL)/lib),$(MUSL),$(MACHINE)-unknown-linux-gnu)
# 160 KB less: the addresses that a program which may lie anywhere mends first. glibc can read them packed since 2.36.
PACKED = $(if $(filter %-gnu,$(TARGET)),$(shell getconf GNU_LIBC_VERSION 2>/dev/null | \
	awk -F'[ .]' '$$2 > 2 || $$3 >= 36 { print "-C link-arg=-Wl,-z,pack-relative-relocs" }'))
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
# Nothing is everything. A build of its own has a directory of its own: neither ever stands in the other's place.
FEATURES ?=
PROFILE = $(if $(FEATURES),initrd,release)
BINARY = $(abspath $(CARGO_TARGET_DIR))/$(TARGET)/$(PROFILE)/importd
DESTDIR ?=
PREFIX ?= /usr

.PHONY: build demo check check-system check-boot check-boot-all lint fmt bless docs install uninstall bench real

# --target keeps the flags away from build scripts and procedural macros, which must load libraries.
build:
	RUSTFLAGS="$(RUSTFLAGS) $(PACKED) -C target-feature=+crt-static" $(CARGO) build --locked --profile $(PROFILE) --target $(TARGET) \
		$(if $(FEATURES),--no-default-features --features $(FEATURES))
	@echo $(BINARY)

demo: build
	$(CARGO) run --locked --quiet --example demo -- $(BINARY)

check:
	tests/install-tools
	tests/run

check-system:
	tests/install-tools
	tests/run system

check-boot: build
	tests/install-tools
	tests/system/qemu $(BINARY)

check-boot-all: build
	tests/install-tools
	tests/system/qemu $(BINARY) all
	tests/system/initrd-size $(BINARY)

lint:
	tests/run lint

fmt:
	$(CARGO) fmt

# Rewrites what is rendered or recorded; the difference is the review.
bless:
	IMPORTD_BLESS=1 $(CARGO) test --locked --lib --test it -- ctl:: helper::options install::

docs:
	$(CARGO) doc --locked --no-deps

# Side by side with systemd's own and with what else does the job; needs root, 12 GB and an hour. The inputs are made once, in half of one.
BENCH_DIR ?= $(CARGO_TARGET_DIR)/bench
bench: build
	tests/install-tools bench
	bench/inputs $(BENCH_DIR)
	bench/run $(BINARY) $(BENCH_DIR) --write
	tests/bench-tree $(BINARY) $(BENCH_DIR)
	tests/bench $(BINARY) $(BENCH_DIR)
	$(CARGO) bench --locked --bench micro

# A real image and a real tree, all the way; needs root and half an hour.
real: build
	tests/install-tools bench
	tests/real-image $(BINARY) $(BENCH_DIR)/real
	tests/real-tree $(BINARY) $(BENCH_DIR)/real

# Below PREFIX: data/ as it lies there, the binary, a link for each program that it is, manual pages and completions. DESTDIR
# is where a package is put together. BINARY= is one that is built already, EMULATOR= what runs it if it is another machine's.
# Links and not hard links: whatever replaces the binary replaces all of it at once, and a package keeps them as they are.
# They are relative, so that they hold under DESTDIR, where those of `importd --install` would not.
EMULATOR ?=
USR = $(abspath $(DESTDIR)$(PREFIX))
PROGRAMS = $(shell $(EMULATOR) $(BINARY) --list)
GENERATORS = $(filter %-generator,$(PROGRAMS))
COMMANDS = $(filter-out systemd-%,$(PROGRAMS))
HELPERS = $(filter-out $(GENERATORS) $(COMMANDS),$(PROGRAMS))
DATA = $(shell cd data && find * -type f)
DATA_LINKS = $(shell cd data && find * -type l)
PAGES = $(wildcard man/*.[1-8])
PAGE_LINKS = systemd-import.8 systemd-import-fs.8 systemd-export.8 systemd-importd.service.8
SECTION = man$(subst .,,$(suffix $(1)))/$(notdir $(1))
COMPLETIONS = share/bash-completion/completions/importctl share/zsh/site-functions/_importctl \
	share/fish/vendor_completions.d/importctl.fish

install: $(if $(findstring command,$(origin BINARY)),,build)
	@test -n "$(PROGRAMS)" || { echo "$(BINARY) does not run here: what EMULATOR= would it take?" >&2; exit 1; }
	@test -n "$(COMMANDS)" || { echo "$(BINARY) is a build for initrds: what is installed is the whole one" >&2; exit 1; }
	install -D -m 0755 $(BINARY) $(USR)/bin/importd
	for name in $(COMMANDS); do ln -sfT importd $(USR)/bin/$$name || exit; done
	install -d $(USR)/lib/systemd $(if $(GENERATORS),$(USR)/lib/systemd/system-generators)
	for name in $(HELPERS); do ln -sfT ../../bin/importd $(USR)/lib/systemd/$$name || exit; done
	for name in $(GENERATORS); do \
		ln -sfT ../../../bin/importd $(USR)/lib/systemd/system-generators/$$name || exit; done
	for file in $(DATA); do \
		if [ -x data/$$file ]; then mode=0755; else mode=0644; fi; \
		sed 's,^ExecStart=/usr/,ExecStart=$(PREFIX)/,' data/$$file | \
			install -D -m $$mode /dev/stdin $(USR)/$$file || exit; done
	for link in $(DATA_LINKS); do \
		install -d $(USR)/$${link%/*} && ln -sfT "$$(readlink data/$$link)" $(USR)/$$link || exit; done
	$(foreach page,$(PAGES),install -D -m 0644 $(page) $(USR)/share/man/$(call SECTION,$(page)) &&) true
	for page in $(PAGE_LINKS); do \
		case $$page in systemd-importd*) of=systemd-importd.8 ;; *) of=systemd-pull.8 ;; esac; \
		ln -sfT $$of $(USR)/share/man/man8/$$page || exit; done
	install -d $(addprefix $(USR)/,$(dir $(COMPLETIONS)))
	$(EMULATOR) $(BINARY) importctl --completion=bash >$(USR)/$(word 1,$(COMPLETIONS))
	$(EMULATOR) $(BINARY) importctl --completion=zsh >$(USR)/$(word 2,$(COMPLETIONS))
	$(EMULATOR) $(BINARY) importctl --completion=fish >$(USR)/$(word 3,$(COMPLETIONS))
	chmod 0644 $(addprefix $(USR)/,$(COMPLETIONS))

# What was installed, and no directory: those are not ours alone.
uninstall: BINARY = $(USR)/bin/importd
uninstall:
	@test -n "$(PROGRAMS)" || { echo "$(BINARY) does not run: is it installed there?" >&2; exit 1; }
	cd $(USR) && rm -f $(addprefix bin/,$(COMMANDS)) $(addprefix lib/systemd/,$(HELPERS)) \
		$(addprefix lib/systemd/system-generators/,$(GENERATORS)) $(DATA) $(DATA_LINKS) $(COMPLETIONS) \
		$(foreach page,$(PAGES) $(PAGE_LINKS),share/man/$(call SECTION,$(page))) bin/importd
