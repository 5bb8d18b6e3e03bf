#!/bin/bash
# shellcheck disable=SC2154 # variables of dracut's
# Images that are fetched in the initrd, rd.systemd.pull= on the kernel command line: importd, its units, and what makes
# block devices of images. Asked for by `add_dracutmodules+=" importd "`; see systemd-import-generator(8).

check() {
  require_binaries importd || return 1
  return 255
}

depends() {
  echo systemd network
}

installkernel() {
  hostonly='' instmods loop
}

install() {
  local unit key
  inst_multiple importd
  # A link to the same file, by whose name the service manager runs it.
  inst_multiple "$systemdutildir"/system-generators/systemd-import-generator "$systemdutildir"/systemd-importd
  inst_multiple -o systemd-dissect "$systemdsystemunitdir"/systemd-loop@.service "$systemdsystemunitdir"/modprobe@.service
  for unit in imports.target imports-pre.target systemd-importd.service systemd-importd.socket; do
    inst_simple "$systemdsystemunitdir/$unit"
  done
  $SYSTEMCTL -q --root "$initdir" add-wants sysinit.target imports.target
  $SYSTEMCTL -q --root "$initdir" add-wants sockets.target systemd-importd.socket
  # Who may sign images.
  for key in /etc/systemd/import-pubring.{pgp,gpg} /usr/lib/systemd/import-pubring.{pgp,gpg}; do
    [ ! -e "${dracutsysrootdir-}$key" ] || inst_simple "$key"
  done
}
