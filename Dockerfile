# The platform as an image: docs/deployment.md says how to start it, tests/unit/deploy reads this file.
#
# The base is the official Node image and not a bare Debian with the Node of node_modules, because
# Node 26 needs libatomic1 and libstdc++ beside it, which only that image brings with their security
# updates. Its version is the one that the lock file installs elsewhere (a test compares), and the
# copy in node_modules is left out, so there is one Node in the image. Alpine will not do: DuckDB's
# bindings are built for glibc. The digest was read in public repositories, not pulled from here.

FROM node:26.10.0-trixie-slim@sha256:ec7758ee051e457b468b32bde57b0879010b325bb9862718e9615225ce4aaae1 AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

# What runs: no development packages. DuckDB's bindings are optional packages, so those stay.
FROM base AS packages
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node-linux-* node_modules/.bin

# The portal is bundled with development packages that the last stage never sees. The script lets a
# platform start without a portal; an image without one would be a mistake, hence the test.
FROM base AS portal
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY dashboards/portal ./dashboards/portal
COPY scripts/build-portal.ts ./scripts/
RUN node scripts/build-portal.ts && test -f dashboards/portal/dist/index.html

FROM node:26.10.0-trixie-slim@sha256:ec7758ee051e457b468b32bde57b0879010b325bb9862718e9615225ce4aaae1 AS platform
LABEL org.opencontainers.image.title="padborg-telemetry" \
      org.opencontainers.image.description="Telemetry of the Padborg 5G testbed and of data-centre waste heat" \
      org.opencontainers.image.licenses="MIT"
# Nothing is installed in a running container. A new volume takes the owner of the folder it hides:
# /data, and /first where a second intake finds the registry of the first one.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx \
    && install -d -o 1000 -g 1000 -m 0700 /data /first
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json main.ts platform/platform.ts node-version.mjs ./
COPY platform ./platform
COPY lib ./lib
COPY broker ./broker
COPY ingest ./ingest
COPY api ./api
COPY simulators ./simulators
COPY seeds ./seeds
COPY scripts/backup.ts scripts/restore.ts scripts/replay.ts scripts/local-platform.ts ./scripts/
COPY deploy/key-from-environment.mjs ./deploy/
COPY --from=portal /app/dashboards/portal/dist ./dashboards/portal/dist
# MALLOC_ARENA_MAX and NODE_OPTIONS as in "npm start": less memory that is only kept in reserve.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS="--max-semi-space-size=8 --v8-pool-size=2" \
    PADBORG_HOST=0.0.0.0 \
    PADBORG_DATA_DIR=/data
USER 1000:1000
VOLUME ["/data"]
EXPOSE 1883 1884 8080 8883
STOPSIGNAL SIGTERM
# Liveness, not readiness: an orchestrator that restarts unhealthy containers must not restart a
# platform whose store is down, because it keeps taking messages. The compose file checks readiness.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/live', { signal: AbortSignal.timeout(4000) }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1 and hears SIGTERM; the image's shell wrapper is not needed.
ENTRYPOINT []
CMD ["node", "main.ts"]
