#!/bin/bash
# InfluxDB 3 takes its first token from a file only, and the root file system is read-only: the file
# is made in memory. It is read while no token exists, so a later start changes nothing.
set -euo pipefail
umask 077
printf '{"token":"%s","name":"_admin"}' "$INFLUX_TOKEN" > /tmp/admin-token.json
# The processing engine would install a Python environment in its folder; nothing here uses it.
unset INFLUXDB3_PLUGIN_DIR
exec /usr/bin/entrypoint.sh influxdb3 serve \
  --node-id padborg \
  --object-store file \
  --data-dir /home/influxdb3/.influxdb3 \
  --http-bind 0.0.0.0:8086 \
  --admin-token-file /tmp/admin-token.json \
  --disable-authz health,ping \
  --query-file-limit "$QUERY_FILE_LIMIT"
