import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { describeWith, programFile } from '../support/needs-program.js';
import { deployFile } from './rendered.js';

// biome-ignore lint/suspicious/noExplicitAny: YAML of other programs, whose shapes are theirs
type Yaml = any;

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const yaml = (path: string): Yaml => parse(deployFile(path), { merge: true });
const rootManifest = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8'));
const { serverConfig } = await import(new URL('../../deploy/app/config.mjs', import.meta.url).href);

const compose = yaml('compose.yml');
const services: Record<string, Yaml> = compose.services;
const apps = Object.keys(services).filter((name) => name.startsWith('app-'));
const app = services['app-1'];
const nginx = deployFile('nginx/nginx.conf');
const server = deployFile('app/server.mjs');
const dockerfile = deployFile('app/Dockerfile');
const configMap = yaml('kubernetes/config.yml');
const deployment = yaml('kubernetes/deployment.yml');
const pod = deployment.spec.template.spec;
const container = pod.containers[0];

const secretsFolder = join(mkdtempSync(join(tmpdir(), 'xlink-secrets-')), 'secrets');
const makeSecrets = () => execFileSync(process.execPath, [join(DEPLOY, 'make-secrets.mjs'), secretsFolder]);
makeSecrets();
afterAll(() => rmSync(join(secretsFolder, '..'), { recursive: true, force: true }));

/** The one number in a text that a pattern finds there, spaces and underscores left out. */
function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not there`);
  return Number(found.replaceAll('_', ''));
}

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1]!);

describe('secrets', () => {
  test('make-secrets makes every file that compose mounts, behind a folder for its owner alone', () => {
    const files = Object.values<Yaml>(compose.secrets).map(({ file }) => file.replace('./secrets/', ''));
    expect(readdirSync(secretsFolder).sort()).toEqual(files.sort());
    expect(statSync(secretsFolder).mode & 0o777).toBe(0o700);
    for (const file of files) expect(statSync(join(secretsFolder, file)).mode & 0o777).toBe(0o444);
  });

  test('what is there is never overwritten, and no two are alike', () => {
    const contents = () =>
      readdirSync(secretsFolder).map((name) => readFileSync(join(secretsFolder, name), 'hex'));
    const before = contents();
    makeSecrets();
    expect(contents()).toEqual(before);
    expect(new Set(before).size).toBe(before.length);
    const password = readFileSync(join(secretsFolder, 'redis-password'), 'utf8');
    expect(readFileSync(join(secretsFolder, 'redis-auth.conf'), 'utf8')).toBe(`requirepass ${password}\n`);
  });

  test('each service gets secrets that exist and no others, and git gets none', () => {
    for (const { secrets = [] } of Object.values(services))
      for (const name of secrets) expect(compose.secrets).toHaveProperty([name]);
    const named = JSON.stringify(services).match(/\/run\/secrets\/[\w.-]+/g)!;
    for (const path of new Set(named))
      expect(compose.secrets).toHaveProperty([path.replace('/run/secrets/', '')]);
    const included = /^include \/run\/secrets\/(.*)$/m.exec(deployFile('redis/redis.conf'))![1];
    expect(services['redis'].secrets).toContain(included);
    expect(deployFile('.gitignore')).toContain('secrets/');
    expect(deployFile('app/Dockerfile.dockerignore')).toContain('deploy/secrets');
  });
});

describe('environment', () => {
  const read = (env: Record<string, string>) => {
    const names = new Set<string>();
    const watched = new Proxy(env, {
      get: (target, name) => {
        names.add(String(name));
        return target[String(name)];
      },
    });
    return { config: serverConfig(watched), names: [...names].sort() };
  };
  /** With the files of this machine in the place of those in the container. */
  const here = (env: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => {
        const file = value
          .split('/')
          .at(-1)!
          .replace(/^service-identity$/, 'service-identity.pkcs8');
        return [name, name.endsWith('_FILE') ? join(secretsFolder, file) : value];
      }),
    );

  test.each<[string, Record<string, string>]>([
    ['compose', app.environment],
    ['Kubernetes', configMap.data],
  ])('%s sets what the app reads, nothing else, and the app takes it', (_, env) => {
    const { config, names } = read(here(env));
    expect(Object.keys(env).sort()).toEqual(names);
    expect(config).toMatchObject({ port: 3000, internalPort: 9464, mode: 'hybrid' });
  });

  test('all instances have the same', () => {
    for (const name of apps) expect(services[name]).toEqual(app);
  });
});

describe('compose', () => {
  test('everything that is mounted exists', () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes as string[]);
    for (const mount of mounts) {
      const source = mount.split(':')[0]!;
      if (source.startsWith('.')) expect([source, existsSync(join(DEPLOY, source))]).toEqual([source, true]);
      else expect(compose.volumes).toHaveProperty(source);
    }
    const { context, dockerfile: file } = app.build;
    expect(existsSync(join(DEPLOY, context, file))).toBe(true);
  });

  test.each(Object.keys(services))(
    '%s is read-only, without privileges, limited, watched and restarted',
    (name) => {
      const service = services[name];
      expect(service).toMatchObject({
        restart: 'unless-stopped',
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        deploy: {
          resources: {
            limits: { cpus: expect.any(String), memory: expect.any(String), pids: expect.any(Number) },
          },
        },
      });
      expect(service.healthcheck ?? (service.build && /^HEALTHCHECK/m.test(dockerfile))).toBeTruthy();
      expect(service.networks.every((network: string) => network in compose.networks)).toBe(true);
      expect(service).not.toHaveProperty('privileged');
    },
  );

  test('only nginx and Grafana can be reached, from this machine', () => {
    const published = Object.entries(services).filter(([, { ports }]) => ports);
    expect(published.map(([name]) => name).sort()).toEqual(['grafana', 'nginx']);
    for (const port of published.flatMap(([, { ports }]) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const outside = Object.entries(services).filter(([, { networks }]) => networks.includes('edge'));
    expect(outside.map(([name]) => name).sort()).toEqual(['grafana', 'nginx']);
    const open = Object.entries<Yaml>(compose.networks).filter(([, network]) => !network?.internal);
    expect(open.map(([name]) => name)).toEqual(['edge']);
  });

  test('who is waited for says that it is healthy', () => {
    for (const { depends_on = {} } of Object.values(services))
      for (const [name, { condition }] of Object.entries<Yaml>(depends_on))
        expect([name in services, condition]).toEqual([true, 'service_healthy']);
  });
});

describe('names and numbers agree', () => {
  test('instances: compose, nginx, Prometheus', () => {
    expect(all(nginx, /server (app-\d+):3000 resolve max_fails=1/g)).toEqual(apps);
    expect(all(nginx, /server (app-\d+):9464 resolve;/g)).toEqual(apps);
    const [job] = yaml('prometheus/prometheus.yml').scrape_configs;
    expect(job.static_configs[0].targets).toEqual(apps.map((name) => `${name}:9464`));
    expect(services['grafana'].depends_on).toHaveProperty('prometheus');
    expect(yaml('grafana/provisioning/datasources/prometheus.yml').datasources[0].url).toBe(
      'http://prometheus:9090',
    );
  });

  test('ports: app, image, nginx, Kubernetes', () => {
    expect([app.environment.PORT, app.environment.INTERNAL_PORT]).toEqual(['3000', '9464']);
    expect(dockerfile).toMatch(/^EXPOSE 3000 9464$/m);
    expect(services['nginx'].ports.map((port: string) => port.split(':').at(-1))).toEqual(
      all(nginx, /listen (\d+);/g),
    );
    const ports = Object.fromEntries(
      container.ports.map((port: Yaml) => [port.name, String(port.containerPort)]),
    );
    expect(ports).toEqual({ http: configMap.data.PORT, internal: configMap.data.INTERNAL_PORT });
    expect(yaml('kubernetes/service.yml').spec.ports[0].targetPort).toBe('http');
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
      expect(container[probe].httpGet.port).toBe('internal');
    const policies = parseAllDocuments(deployFile('kubernetes/network-policy.yml')).map((one) => one.toJS());
    const open = policies[1].spec.ingress.map(({ ports: [{ port }] }: Yaml) => String(port));
    expect(open).toEqual([configMap.data.PORT, configMap.data.INTERNAL_PORT]);
    expect(policies[0].spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  });

  test('limits: what nginx lets through the app takes, and the other way round', () => {
    const maxBody = deployFile('app/api.mjs').match(/MAX_BODY_BYTES = (\d+) \* 1024/)![1];
    expect(numberIn(nginx, /client_max_body_size (\d+)m;/) * 1024).toBe(Number(maxBody));
    const maxHeader = numberIn(server, /maxHeaderSize: (\d+) \* 1024/);
    expect(numberIn(nginx, /large_client_header_buffers \d+ (\d+)k;/)).toBe(maxHeader);
  });

  test('times: nginx lets go of a connection before the app does, and leaves an instance alone until it has drained', () => {
    const keptMs = numberIn(server, /keepAliveTimeout = ([\d_]+);/);
    expect(numberIn(nginx, /keepalive_timeout (\d+)s; # shorter/) * 1000).toBeLessThan(keptMs);
    expect(numberIn(nginx, /proxy_read_timeout (\d+)s/) * 1000).toBeGreaterThanOrEqual(
      numberIn(server, /requestTimeout = ([\d_]+);/),
    );
    const aloneMs = numberIn(nginx, /fail_timeout=(\d+)s/) * 1000;
    expect(aloneMs).toBeGreaterThan(2 * Number(app.environment.DRAIN_MS));
    const stopMs = numberIn(server, /STOP_WITHIN_MS = ([\d_]+);/);
    const finishMs = numberIn(server, /FINISH_MS = ([\d_]+);/);
    expect(Number(configMap.data.DRAIN_MS) + finishMs).toBeLessThan(stopMs);
    expect(stopMs).toBeLessThan(10_000);
    expect(numberIn(app.stop_grace_period, /^(\d+)s$/)).toBeGreaterThan(10);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(10);
  });

  test('nginx never sends on what an instance may have taken', () => {
    expect(all(nginx, /^\s*proxy_next_upstream (.*);/gm)).toEqual(['http_502 non_idempotent']);
  });

  test('packages: the app has what the repository is tested with, and its lock file knows them', () => {
    const { dependencies } = JSON.parse(deployFile('app/package.json'));
    const { packages } = JSON.parse(deployFile('app/package-lock.json'));
    const { '@private.me/xlink': xlink, ...others } = dependencies;
    for (const [name, range] of Object.entries(others))
      expect([name, rootManifest.devDependencies[name]]).toEqual([name, range]);
    expect(packages[''].dependencies).toEqual(dependencies);
    const locked = packages['node_modules/@private.me/xlink'];
    expect([locked.resolved, locked.version]).toEqual([xlink, rootManifest.version]);
    expect(locked.dependencies).toEqual(rootManifest.dependencies);
    expect(locked.peerDependencies).toEqual(rootManifest.peerDependencies);
    expect(locked).not.toHaveProperty('integrity'); // it is packed anew at each build
    const imported = readdirSync(join(DEPLOY, 'app'))
      .filter((name) => name.endsWith('.mjs'))
      .flatMap((name) => all(deployFile(`app/${name}`), / from '([^'.][^']*)'/g));
    expect(imported).toContain('@private.me/xlink/metrics');
    for (const name of imported) {
      const bare = name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/');
      if (!name.startsWith('node:')) expect(dependencies).toHaveProperty([bare]);
    }
  });

  test('the image runs as nobody in particular, on what is copied into it', () => {
    const [, final] = dockerfile.split(/^FROM .* AS dependencies$/m);
    expect(final).toMatch(/^FROM node:24-slim$/m);
    expect(final).toMatch(/^USER node$/m);
    expect(final).toMatch(/^CMD \["node", "server.mjs"\]$/m);
    expect(final).toMatch(/npm ci --omit=dev/);
    for (const path of all(dockerfile, /COPY (deploy\/\S+)/g))
      expect(existsSync(join(DEPLOY, '..', path.replace('/*.mjs', '/server.mjs')))).toBe(true);
  });
});

describe('Kubernetes', () => {
  const kustomization = yaml('kubernetes/kustomization.yml');

  test('every manifest is in the kustomization and in the namespace', () => {
    const files = readdirSync(join(DEPLOY, 'kubernetes')).filter((name) => name.endsWith('.yml'));
    expect([...kustomization.resources, 'kustomization.yml'].sort()).toEqual(files.sort());
    for (const file of [...kustomization.resources, 'monitoring/pod-monitor.yml'])
      for (const document of parseAllDocuments(deployFile(`kubernetes/${file}`))) {
        const { kind, metadata } = document.toJS();
        expect([file, document.errors]).toEqual([file, []]);
        if (kind === 'Namespace') expect(metadata.name).toBe('xlink');
        else expect([kind, metadata.namespace]).toEqual([kind, 'xlink']);
        expect(kind).not.toBe('Secret');
      }
  });

  test('everything finds the pods by their label', () => {
    const { labels } = deployment.spec.template.metadata;
    const selectors = [
      deployment.spec.selector.matchLabels,
      yaml('kubernetes/service.yml').spec.selector,
      yaml('kubernetes/disruption-budget.yml').spec.selector.matchLabels,
      yaml('kubernetes/monitoring/pod-monitor.yml').spec.selector.matchLabels,
      ...pod.topologySpreadConstraints.map(({ labelSelector }: Yaml) => labelSelector.matchLabels),
    ];
    for (const selector of selectors) expect(selector).toEqual(labels);
    const { scaleTargetRef, minReplicas } = yaml('kubernetes/autoscaler.yml').spec;
    expect([scaleTargetRef.name, minReplicas]).toEqual([deployment.metadata.name, 3]);
    expect(kustomization.images[0].name).toBe(container.image);
    expect(app.image.split(':')[0]).toBe(container.image);
    expect(container.envFrom[0].configMapRef.name).toBe(configMap.metadata.name);
  });

  test('the secret has the files that the app is told of, under the names that make-secrets gives them', () => {
    const mounted = `${container.volumeMounts[0].mountPath}/`;
    const files = Object.entries<string>(configMap.data)
      .filter(([name]) => name.endsWith('_FILE'))
      .map(([, path]) => path.replace(mounted, ''));
    const told = all(deployFile('kubernetes/kustomization.yml'), /--from-file=(\S+)/g);
    expect(told.sort()).toEqual(files.sort());
    for (const file of files) expect(existsSync(join(secretsFolder, file))).toBe(true);
    expect(deployFile('kubernetes/kustomization.yml')).toContain(
      `generic ${pod.volumes[0].secret.secretName} `,
    );
  });

  test('the pod is as the namespace demands: restricted', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });

  test('a store that is away takes no pod out and restarts none', () => {
    const paths = ['startupProbe', 'readinessProbe', 'livenessProbe'].map(
      (probe) => container[probe].httpGet.path,
    );
    expect(paths).toEqual(['/readyz', '/healthz', '/healthz']);
  });

  test('the rules for the operator of Prometheus are those of the dashboards', () => {
    const printed = execFileSync(process.execPath, [
      join(DEPLOY, 'kubernetes/monitoring/prometheus-rule.mjs'),
    ]);
    const { kind, metadata, spec } = parse(String(printed));
    expect([kind, metadata.namespace]).toEqual(['PrometheusRule', 'xlink']);
    expect(spec).toEqual(parse(deployFile('../dashboards/rules.yml')));
  });
});

describeWith(['promtool'], 'Prometheus', () => {
  test('takes the configuration, and the rules where compose mounts them', () => {
    const mounts = services['prometheus'].volumes.map((mount: string) => mount.split(':'));
    const at = (target: string) => mounts.find((mount: string[]) => mount[1]!.startsWith(target))[0];
    const text = deployFile('prometheus/prometheus.yml');
    expect(text).toContain('/etc/prometheus/rules/*.yml');
    const file = join(secretsFolder, '..', 'prometheus.yml');
    writeFileSync(
      file,
      text.replace('/etc/prometheus/rules/*.yml', join(DEPLOY, at('/etc/prometheus/rules/'))),
    );
    const said = String(execFileSync(programFile('promtool'), ['check', 'config', file]));
    expect(said).toMatch(/SUCCESS: \d+ rules found/);
    expect(at('/etc/prometheus/prometheus.yml')).toBe('./prometheus/prometheus.yml');
  });
});
