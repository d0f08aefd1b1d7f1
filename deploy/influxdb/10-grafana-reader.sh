#!/bin/bash
# Run once by the image, when it sets up an empty InfluxDB 2.x. Grafana gets an account that can read
# one bucket and nothing else: a viewer of Grafana can send any request through a data source, and
# with the operator token that would include deleting. User and password of the 1.x interface are
# what InfluxQL takes in 1.x, 2.x and 3.x alike.
set -euo pipefail
influx v1 auth create \
  --org "$DOCKER_INFLUXDB_INIT_ORG" \
  --username grafana \
  --password "$GRAFANA_INFLUX_PASSWORD" \
  --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
  > /dev/null
