# breakwater: docker build -t breakwater .
# How to run it: README.md, section Docker. What proves it: test/docker/try.sh.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No install script of a dependency is run. ssh2 and cpu-features would compile native addons that only speed up one
# cipher; ssh2 does without them in JavaScript, and so no compiler is needed.
RUN npm ci --ignore-scripts --omit=optional --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
COPY demo/*.ts demo/tsconfig.json ./demo/
RUN npm run build \
 && npm prune --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund \
 && find dist node_modules -name '*.map' -delete \
 && find node_modules -type d -empty -delete \
 && chmod 755 dist/main.js

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Breakwater" \
      org.opencontainers.image.description="One Debug Adapter Protocol server in front of running programs, with policy." \
      org.opencontainers.image.licenses="MIT"

# The folders are open to every user, because `docker run --user` may name another than 10001; what the daemon makes in
# them is not (socket and audit are 0600). A tmpfs over /run/breakwater takes over this mode.
RUN groupadd --gid 10001 breakwater \
 && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin breakwater \
 && install -d -o 10001 -g 10001 -m 1777 /run/breakwater /var/lib/breakwater \
 && install -d -m 755 /etc/breakwater \
 && ln -s /app/dist/main.js /usr/local/bin/breakwater

WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The sample of `breakwater demo`, with its map and its source: they are what it shows.
COPY --from=build /app/demo ./demo

# The unix socket is /run/breakwater/breakwater.sock, the audit /var/lib/breakwater/audit.jsonl, the configuration
# /etc/breakwater/config.yaml, and ssh's files are in /home/breakwater/.ssh.
ENV NODE_ENV=production \
    HOME=/home/breakwater \
    XDG_RUNTIME_DIR=/run/breakwater \
    XDG_STATE_HOME=/var/lib
# The audit outlives the container, also where the root file system is read-only and nobody thought of a volume.
VOLUME /var/lib/breakwater

# As numbers, so that Kubernetes' runAsNonRoot can tell.
USER 10001:10001
# The daemon listens on loopback, inside the container, unless its configuration says otherwise.
EXPOSE 4711
STOPSIGNAL SIGTERM
# Asked over the unix socket, and not through the configuration: a wrong edit of that is no reason to restart a daemon
# which goes on with the old one. Who is attached is not for `docker inspect`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
  CMD node /app/dist/main.js sessions --json --socket "$XDG_RUNTIME_DIR/breakwater.sock" >/dev/null
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
