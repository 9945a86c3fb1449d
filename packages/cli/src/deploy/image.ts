import type { DeployFacts, DeployFile } from './plan.js';

/** A multi-stage image: nothing of npm's is in it, it runs as `node`, and needs no file but those below /data. */
export const imageFiles = ({ version, image, server }: DeployFacts): readonly DeployFile[] => [
  {
    path: 'Dockerfile',
    text: `# docker build -t ${image} .
# Without a network: docker save ${image} > image.tar here, docker load < image.tar there.
ARG NODE=docker.io/library/node:24-slim

FROM \${NODE} AS dependencies
WORKDIR /app
COPY package.json *.tgz ./
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund

FROM \${NODE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE ${server.port}
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \\
  CMD ["node", "-e", "fetch('http://127.0.0.1:${server.port}/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "${server.program}"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
`,
  },
  {
    path: 'package.json',
    text: `${JSON.stringify(
      {
        name: `${server.name}-image`,
        private: true,
        dependencies: {
          ...Object.fromEntries(server.packages.map((name) => [`@private.me/${name}`, version])),
          ioredis: '^6.0.0',
          pg: '^8.11.0',
          ws: '^8.18.0',
        },
      },
      null,
      2,
    )}\n`,
  },
  { path: '.dockerignore', text: '*\n!package.json\n!*.tgz\n' },
];
