# The broker in a small image. Build: docker build -t leveret .   Run: docker run -p 5672:5672 -p 15672:15672 leveret
# The compiler and its tools stay in the first stage, for better-sqlite3 has no prebuilt binary for every platform.

FROM node:22-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-slim
ENV NODE_ENV=production \
    LEVERET_DATA=/data \
    LEVERET_LOOPBACK_USERS=none
# guest from everywhere, as in RabbitMQ's image: from inside a container no client is on "this machine". Set
# LEVERET_DEFAULT_USER and LEVERET_DEFAULT_PASS where others can reach the ports.
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 5671 5672 15672
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.LEVERET_HTTP_PORT || 15672) + '/api/health/checks/ready-to-serve-clients').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: the broker is process 1 and gets SIGTERM itself.
ENTRYPOINT ["node", "dist/bin/main.js"]
