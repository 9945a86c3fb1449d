import { composePlan } from './compose.js';
import type { DeployFacts, DeployPlan } from './plan.js';

/** The compose files, and a workflow that brings them to a Debian host of yours, with Let's Encrypt and copies every night. */
export function actionsPlan(facts: DeployFacts): DeployPlan {
  const { files } = composePlan(facts);
  return {
    files: [
      ...files.filter(({ isSecret }) => !isSecret).map((file) => ({ ...file, path: `xlink/${file.path}` })),
      { path: 'xlink/setup.sh', text: setup(facts) },
      { path: '.github/workflows/xlink-deploy.yml', text: workflow(facts) },
    ],
    next: [
      `let ${facts.host} lead to a Debian host that you reach by ssh as root`,
      'put the secrets XLINK_SSH_KEY and XLINK_KNOWN_HOSTS (ssh-keyscan) into the repository',
      'commit, push, and start the workflow "Deploy xLink"',
    ],
  };
}

const workflow = ({ host }: DeployFacts): string => `name: Deploy xLink
on:
  workflow_dispatch: {}
permissions:
  contents: read
concurrency: xlink-deploy
jobs:
  deploy:
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    environment: production
    env:
      TARGET: root@${host}
    steps:
      - uses: actions/checkout@v4
      - name: Prepare ssh
        env:
          SSH_KEY: \${{ secrets.XLINK_SSH_KEY }}
          KNOWN_HOSTS: \${{ secrets.XLINK_KNOWN_HOSTS }}
        run: |
          install -m 700 -d ~/.ssh
          (umask 077; printf '%s\\n' "$SSH_KEY" > ~/.ssh/id_ed25519; printf '%s\\n' "$KNOWN_HOSTS" > ~/.ssh/known_hosts)
      - name: Copy the files
        run: rsync -a --exclude certs --exclude '*.env' xlink/ "$TARGET:/opt/xlink/"
      - name: Set up
        run: ssh "$TARGET" sh /opt/xlink/setup.sh
      - name: Show what runs
        run: |
          health=$(curl -fsS --retry 10 --retry-all-errors https://${host}/health)
          did=$(curl -fsS https://${host}/v1/capabilities | jq -r .did)
          test "$(printf '%s' "$health" | jq -r .status)" = ok
          jq -n --arg did "$did" '{service_url: "https://${host}", did: $did, status: "healthy"}'
`;

const setup = ({ host, image, email }: DeployFacts): string => `#!/bin/sh
# On the host, as root. Running it again is safe.
set -eu
cd /opt/xlink
umask 077
command -v docker >/dev/null || { apt-get update && apt-get install -y docker.io docker-compose-v2 || apt-get install -y docker.io docker-compose; }
command -v certbot >/dev/null || apt-get install -y certbot

# Passwords between the parts are made once, here.
[ -s xlink.env ] || printf 'REDIS_PASSWORD=%s\\n' "$(openssl rand -hex 32)" > xlink.env
[ -s grafana.env ] || printf 'GF_SECURITY_ADMIN_PASSWORD=%s\\n' "$(openssl rand -hex 16)" > grafana.env
[ -e metrics-token ] || : > metrics-token
chown 65534 metrics-token # Prometheus of the image
mkdir -p certs acme
chmod 755 acme

copy_certificate() {
  install -m 644 "/etc/letsencrypt/live/${host}/fullchain.pem" certs/fullchain.pem
  install -m 640 -g 101 "/etc/letsencrypt/live/${host}/privkey.pem" certs/privkey.pem # nginx of the image
}
if [ ! -s certs/fullchain.pem ]; then
  certbot certonly --standalone --non-interactive --agree-tos ${email === '' ? '--register-unsafely-without-email' : `--email '${email}'`} -d '${host}'
fi
copy_certificate
chmod 750 certs && chgrp 101 certs

docker build -t ${image} .
docker compose up -d --wait

cat > /etc/cron.daily/xlink <<'CRON'
#!/bin/sh
# Renews the certificate, and copies the data while the server stands still.
set -eu
umask 077
cd /opt/xlink
certbot renew --quiet --webroot -w /opt/xlink/acme
install -m 644 "/etc/letsencrypt/live/${host}/fullchain.pem" certs/fullchain.pem
install -m 640 -g 101 "/etc/letsencrypt/live/${host}/privkey.pem" certs/privkey.pem
docker compose exec -T nginx nginx -s reload
mkdir -p /var/backups/xlink
docker compose stop xlink redis
trap 'docker compose start redis xlink' EXIT
tar -czf "/var/backups/xlink/xlink-$(date +%F).tar.gz" -C /var/lib/docker/volumes xlink_data xlink_redis
find /var/backups/xlink -name 'xlink-*.tar.gz' -mtime +14 -delete
CRON
chmod 755 /etc/cron.daily/xlink
`;
