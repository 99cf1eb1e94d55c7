#!/bin/sh
# Installs the load balancers that the balancer test asks, where they are missing.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
command -v nginx >/dev/null || missing="nginx-light"
command -v haproxy >/dev/null || missing="$missing haproxy"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The balancer test needs: $missing. Install it with your package manager; then run this again." >&2
    exit 1
fi
echo "installing: $missing"
apt-get update -qq
# They run only where the test starts them.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d.sakuga
chmod +x /usr/sbin/policy-rc.d.sakuga
[ -e /usr/sbin/policy-rc.d ] || { ln -s policy-rc.d.sakuga /usr/sbin/policy-rc.d; linked=1; }
status=0
# shellcheck disable=SC2086 # one word a package
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing || status=$?
[ -z "${linked:-}" ] || rm -f /usr/sbin/policy-rc.d
rm -f /usr/sbin/policy-rc.d.sakuga
exit $status
