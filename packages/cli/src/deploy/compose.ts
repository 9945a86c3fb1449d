import { imageFiles } from './image.js';
import { nginxConf } from './nginx.js';
import type { DeployFacts, DeployPlan } from './plan.js';
import type { DeployServer } from './servers.js';

/** The server, Redis, nginx, Prometheus and Grafana on one machine. */
export function composePlan(facts: DeployFacts): DeployPlan {
  const { host, image, secret, server } = facts;
  const { name } = server;
  return {
    files: [
      ...imageFiles(facts),
      { path: 'compose.yml', text: composeFile(facts) },
      { path: 'nginx.conf', text: nginxConf(facts) },
      { path: 'prometheus.yml', text: prometheusFile(server) },
      { path: 'grafana-datasource.yml', text: GRAFANA },
      { path: `${name}.env`, text: `REDIS_PASSWORD=${secret}\n`, isSecret: true },
      { path: 'grafana.env', text: `GF_SECURITY_ADMIN_PASSWORD=${secret.slice(0, 32)}\n`, isSecret: true },
      { path: 'metrics-token', text: 'put the token of an auditor here\n', isSecret: true },
    ],
    next: [
      `put the certificate of ${host} into certs/fullchain.pem and certs/privkey.pem, readable for the user 101 of nginx`,
      `docker build -t ${image} . && docker compose up -d --wait`,
      `docker compose logs ${name} shows the admin token, once`,
      'make a token of the role auditor, put it into metrics-token, and: chown 65534 metrics-token && docker compose restart prometheus',
    ],
  };
}

const composeFile = ({ host, image, server }: DeployFacts): string => `# docker compose up -d --wait
name: ${server.name}

x-hardened: &hardened
  restart: unless-stopped
  read_only: true
  cap_drop: [ALL]
  security_opt: ['no-new-privileges:true']
  logging:
    driver: json-file
    options: { max-size: 10m, max-file: '3' }

services:
  ${server.name}:
    <<: *hardened
    image: ${image}
    command: [serve, --host, 0.0.0.0, --data, /data, --behind-proxy, ${server.urlOption}, 'https://${host}']
    environment: { ${server.storeVariable}: 'redis://redis:6379' }
    env_file: [${server.name}.env]
    volumes: ['data:/data']
    tmpfs: [/tmp]
    depends_on:
      redis: { condition: service_healthy }
    networks: [front, back, watch]
    stop_grace_period: 15s # it needs ten at most

  redis:
    <<: *hardened
    image: redis:7.2-bookworm
    user: redis
    env_file: [${server.name}.env]
    # The password by its standard input: it is in no argument.
    entrypoint: [sh, -c]
    command:
      - 'printf "requirepass %s\\nappendonly yes\\nappendfsync always\\nmaxmemory-policy noeviction\\ndir /data\\n" "$$REDIS_PASSWORD" | exec redis-server -'
    volumes: ['redis:/data']
    networks: [back]
    healthcheck:
      test: [CMD-SHELL, 'redis-cli ping | grep -qE "PONG|NOAUTH"']
      interval: 5s
      timeout: 2s

  nginx:
    <<: *hardened
    image: nginx:1.28-alpine
    user: nginx
    entrypoint: [nginx, -g, daemon off;]
    volumes:
      - ./nginx.conf:/etc/nginx/nginx.conf:ro
      - ./certs:/etc/nginx/certs:ro
      - ./acme:/var/www/acme:ro
    tmpfs: ['/tmp:mode=1777']
    ports: ['80:8080', '443:8443']
    depends_on:
      ${server.name}: { condition: service_healthy }
    networks: [edge, front]
    stop_signal: SIGQUIT # finishes what is under way

  prometheus:
    <<: *hardened
    image: prom/prometheus:v3.5.0
    volumes:
      - ./prometheus.yml:/etc/prometheus/prometheus.yml:ro
      - ./metrics-token:/etc/prometheus/token:ro
      - prometheus:/prometheus
    networks: [watch]

  grafana:
    <<: *hardened
    image: grafana/grafana:12.1.0
    env_file: [grafana.env]
    volumes:
      - ./grafana-datasource.yml:/etc/grafana/provisioning/datasources/prometheus.yml:ro
      - grafana:/var/lib/grafana
    tmpfs: [/tmp]
    ports: ['127.0.0.1:3000:3000'] # by ssh -L
    networks: [edge, watch]

networks:
  edge: {}
  front: { internal: true }
  back: { internal: true }
  watch: { internal: true }

volumes:
  data: {}
  redis: {}
  prometheus: {}
  grafana: {}
`;

const prometheusFile = ({ name, port }: DeployServer): string => `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: ${name}
    authorization: { credentials_file: /etc/prometheus/token }
    static_configs:
      - targets: ['${name}:${port}']
`;

const GRAFANA = `apiVersion: 1
datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
`;
