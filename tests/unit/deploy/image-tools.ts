/**
 * Commands that health checks and start scripts may use, per image, with the public file that says
 * so. No engine is at hand to look into the images, so this table is what stands for them.
 */
export const IMAGE_TOOLS: Readonly<
  Record<string, { readonly tools: readonly string[]; readonly source: string }>
> = {
  'padborg-telemetry': {
    tools: ['node'],
    source: 'nodejs/docker-node 26/trixie-slim/Dockerfile: node in /usr/local/bin, no curl or wget',
  },
  influxdb2: {
    tools: ['influx', 'influxd', 'bash', 'curl'],
    source: 'influxdata/influxdata-docker influxdb/2.9/Dockerfile: the influx CLI, bash of Debian',
  },
  influxdb3: {
    tools: ['influxdb3', 'bash', '/bin/bash', 'curl'],
    source: 'influxdata/influxdata-docker influxdb/3.11-core/Dockerfile: curl, bash of Ubuntu',
  },
  'eclipse-mosquitto': {
    tools: ['mosquitto', 'mosquitto_sub', 'mosquitto_passwd', 'sh', '/bin/sh'],
    source: 'eclipse-mosquitto/mosquitto docker/2.1-alpine/Dockerfile: clients installed, ash',
  },
  'grafana/grafana': {
    tools: ['wget', 'curl', 'bash'],
    source: 'grafana/grafana Dockerfile and configure-docker: Alpine, so BusyBox wget; curl added',
  },
  'nginxinc/nginx-unprivileged': {
    tools: ['nginx', 'wget'],
    source: 'nginx/docker-nginx-unprivileged: Alpine slim, so BusyBox wget; no curl',
  },
}

/** The entry of an image reference. */
export function toolsOf(image: string): readonly string[] {
  const [name = '', tag = ''] = (image.split('@')[0] ?? '').split(':')
  const entry = name === 'influxdb' ? `influxdb${tag[0]}` : name
  return IMAGE_TOOLS[entry]?.tools ?? []
}
