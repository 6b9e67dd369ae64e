# Otto, as one image with two commands: the web process, and (compose.yaml shows
# it) the worker. The last stage has Deno, the sources and their packages: no
# shell, no package manager, no compiler, no tests.

FROM denoland/deno:2.9.6 AS build
WORKDIR /app
ENV DENO_DIR=/deno-dir

# Packages first: this layer is built again only when they change. `deno ci`
# installs what deno.lock says, or fails.
COPY deno.json deno.lock package.json ./
RUN deno ci --prod --skip-types

COPY main.ts worker.ts otto.ts ./
COPY commands commands
COPY handlers handlers
COPY lib lib
COPY sources sources
COPY deploy/health.ts deploy/
# Translates the sources now, so that starting writes nothing and takes no time.
# What packages were unpacked from is not needed beside node_modules. Files keep
# the modes they have on the builder's disk, which may be its owner's alone.
RUN deno cache --frozen main.ts worker.ts otto.ts deploy/health.ts lib/reading/thread.ts \
  && rm -r /deno-dir/npm \
  && chmod -R a+rX /app /deno-dir \
  && mkdir /data \
  && chmod 2770 /data

FROM denoland/deno:distroless-2.9.6
WORKDIR /app
# docker build --build-arg OTTO_COMMIT=$(git rev-parse HEAD): /health and the System page say it.
ARG OTTO_COMMIT
ENV DENO_DIR=/deno-dir \
  DENO_NO_UPDATE_CHECK=1 \
  OTTO_COMMIT=$OTTO_COMMIT \
  HOST=0.0.0.0 \
  OTTO_DATA_DIR=/data

COPY --from=build /deno-dir /deno-dir
COPY --from=build /app /app
# Nothing but /data belongs to the user that runs. Mount a volume there: without
# DATABASE_URL it holds every message. Platforms that choose the user themselves
# (OpenShift) put it into group 0, so that the folder is that group's, too.
COPY --from=build --chown=65532:0 /data /data
USER 65532:0

EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["deno", "run", "--no-prompt", "--cached-only", "--allow-net=127.0.0.1", "--allow-env=PORT", "deploy/health.ts"]

# The flags of `deno task start`, with the data folder of the image; nothing is
# asked, installed or downloaded. The image starts this with `tini -- deno`.
CMD ["run", "--no-prompt", "--frozen", "--cached-only", "--allow-net", "--deny-net=169.254.169.254", "--allow-env", "--allow-sys=hostname,osUptime", "--allow-read=.,/data", "--allow-write=/data", "main.ts"]
