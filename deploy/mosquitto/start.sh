#!/bin/sh
# The password file is made in memory from the generated secrets, hashed; nothing is kept on disk.
# More accounts: mount a file in mosquitto's own format at /etc/padborg/accounts.
set -eu
umask 077
file=/run/mosquitto/passwords
if [ -f /etc/padborg/accounts ]; then cat /etc/padborg/accounts > "$file"; else : > "$file"; fi
mosquitto_passwd -b "$file" padborg-ingest "$MOSQUITTO_INGEST_PASSWORD"
mosquitto_passwd -b "$file" devices "$MOSQUITTO_DEVICES_PASSWORD"
exec mosquitto -c /etc/padborg/mosquitto.conf
