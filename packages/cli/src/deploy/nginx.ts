import type { DeployFacts } from './plan.js';
import type { DeployServer } from './servers.js';

/** TLS in front of one server. */
export const nginxConf = ({ host, server }: DeployFacts): string => `# TLS in front of the ${server.title}.
worker_processes auto;
pid /tmp/nginx.pid;
error_log stderr warn;

events {
  worker_connections 4096;
}

http {
  # Neither query nor headers: tokens and envelopes are there.
  log_format brief escape=json '$remote_addr $request_method $uri $status $request_time';
  access_log /dev/stdout brief;
  server_tokens off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  client_max_body_size 2m;
  large_client_header_buffers 4 32k; # an envelope may stand in a header
  limit_req_zone $binary_remote_addr zone=callers:10m rate=50r/s;

  map $http_upgrade $connection_upgrade {
    default upgrade;
    '' '';
  }

  server {
    listen 8080;
    location /.well-known/acme-challenge/ {
      root /var/www/acme;
    }
    location / {
      return 308 https://${host}$request_uri;
    }
  }

  server {
    listen 8443 ssl;
    server_name ${host};
    ssl_certificate /etc/nginx/certs/fullchain.pem;
    ssl_certificate_key /etc/nginx/certs/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    add_header Strict-Transport-Security 'max-age=31536000' always;
    location / {
      limit_req zone=callers burst=200 nodelay;
      proxy_pass http://${server.name}:${server.port};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr; # what callers say about themselves ends here
      proxy_read_timeout 60s; # changes are waited for up to 25 s
      proxy_next_upstream off; # an envelope is good once
${server.name === 'xlink' ? groups(server) : ''}    }
  }
}
`;

/** Commits and welcomes of MLS groups, sealed: the largest bodies of the identity server. */
const groups = ({ name, port }: DeployServer): string => `      location /v1/groups {
        client_max_body_size 20m;
        proxy_pass http://${name}:${port};
      }
`;
