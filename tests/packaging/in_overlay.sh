# Installs, uses, removes and purges the package in a copy of this machine that is gone afterwards.
#
#     unshare --mount --pid --fork sh in_overlay.sh FOLDER PACKAGE
#
# The copy is an overlay: what is written goes to a file system in memory. What is left after the
# purge, and was not there before, is listed in FOLDER/left.
set -eu
folder=$1 package=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work" "$folder/memory/root"
root=$folder/memory/root upper=$folder/memory/upper
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$upper,workdir=$folder/memory/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp "$package" "$root/tmp/package.deb"

inside() {
    # A session of its own environment: no virtual environment, no variables of a test.
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

# What was written so far: not what dpkg and its triggers write of their own.
new_files() {
    (cd "$upper" && find . -mindepth 1 \
        \( -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./tmp \) -prune \
        -o -print) | sed 's/^\.//' | while read -r path; do
        test -d "$upper$path" && test -d "$path" || echo "$path"
    done
    ls -A "$root/run"
}

# Not this machine's own.
rm -rf "$root/var/lib/connector" "$root/etc/connector"
new_files >"$folder/before"
inside dpkg --install /tmp/package.deb
for file in /etc/cron.d/connector /etc/systemd/system/timers.target.wants/connector.timer \
    /etc/systemd/system/multi-user.target.wants/connector-watch.service; do
    ! inside test -e $file || echo "starts by itself: $file"
done
inside connector --version
inside connector --root /tmp status && status=0 || status=$?
echo "status: $status"
inside sh -c 'cd /tmp && connector --root /tmp bundle --yes --output /tmp/bundle.tar.gz' >/dev/null
inside test -s /tmp/bundle.tar.gz && echo "bundle: written"
inside connector pause --reason "packaging test"
inside test -d /var/lib/connector && echo "state: made"
inside find /usr/lib/drbd-connector -name '*.pyc' -newer /tmp/bundle.tar.gz
inside bash -c '. /usr/share/bash-completion/completions/connector
    COMP_WORDS=(connector stat) COMP_CWORD=1
    _connector_completion connector; echo "completion: ${COMPREPLY[*]}"'
cp "$root/var/lib/dpkg/info/drbd-connector.postrm" "$root/tmp/postrm"

# From here on there seems to be a systemd: what it would be asked for is in /tmp/asked.
mkdir -p "$root/run/systemd/system"
rm -f "$root/usr/sbin/policy-rc.d" "$root/usr/bin/systemctl"
printf '#!/bin/sh\necho "$*" >>/tmp/asked\n' >"$root/usr/bin/systemctl"
chmod 0755 "$root/usr/bin/systemctl"
echo /usr/bin/systemctl >>"$folder/before"
echo /usr/sbin/policy-rc.d >>"$folder/before"
inside dpkg --install /tmp/package.deb
sed 's/^/upgrade asks systemd: /' "$root/tmp/asked" && : >"$root/tmp/asked"
inside dpkg --remove drbd-connector
sed 's/^/remove asks systemd: /' "$root/tmp/asked"
rm -r "$root/run/systemd"
inside test -e /var/lib/connector/pauses.json && echo "state: kept by remove"
inside dpkg --purge drbd-connector

new_files >"$folder/after"
grep -Fxv -f "$folder/before" "$folder/after" >"$folder/left" || true

mkdir -p "$root/var/lib/connector/rescues/mail"
touch "$root/var/lib/connector/counters.json"
inside sh /tmp/postrm purge
inside find /var/lib/connector -mindepth 1 >"$folder/rescues"
