#!/usr/bin/env bash
# Makes a stand-in for the official Python image, which no package registry has: Debian's own
# Python of the same version, in a base as slim. Usage: make_base.sh DIRECTORY IMAGE
set -euo pipefail
directory=$1
image=$2

mkdir -p "$directory"
cd "$directory"
podman=(podman --root "$PWD/store" --runroot "$PWD/run" --storage-driver overlay)
"${podman[@]}" image exists "$image" && exit

rm -rf rootfs
debootstrap --variant=minbase \
  --include=python3,python3-venv,python3-pip,ca-certificates trixie rootfs >debootstrap.log \
  || { tail debootstrap.log >&2; exit 1; }
# As in the image it stands for: `python` is there, and pip may install.
ln -sf python3 rootfs/usr/bin/python
rm -f rootfs/usr/lib/python3.*/EXTERNALLY-MANAGED
rm -rf rootfs/var/cache/apt/archives/*.deb rootfs/var/lib/apt/lists/*
tar -C rootfs -c . | "${podman[@]}" import --quiet \
  --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' - "$image"
rm -rf rootfs
