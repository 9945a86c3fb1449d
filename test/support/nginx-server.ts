import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { programFile } from './needs-program.js';
import { freePort } from './redis-server.js';
import { until } from './until.js';

const started = new Set<NginxServer>();

afterAll(async () => {
  await Promise.all([...started].map((server) => server.stop()));
});

/** A real nginx in front of several instances, one request to each in turn, as docs/operations.md has it. */
export class NginxServer {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
  }

  static async start(upstreamPorts: readonly number[]): Promise<NginxServer> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'xlink-nginx-'));
    await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, upstreamPorts));
    const args = ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')];
    const child = spawn(programFile('nginx'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (chunk) => (said += chunk));
    const server = new NginxServer(port, folder, child);
    started.add(server);
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
        return fetch(`http://127.0.0.1:${port}/nginx-is-up`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      { withinMs: 10_000, what: 'nginx to answer' },
    );
    return server;
  }

  async stop(): Promise<void> {
    if (!started.delete(this)) return;
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** `proxy_next_upstream off`: an envelope is good once, so what one instance may have taken must not go to another. */
const configuration = (folder: string, port: number, upstreamPorts: readonly number[]): string => `
daemon off;
pid ${folder}/nginx.pid;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  upstream api {
    ${upstreamPorts.map((one) => `server 127.0.0.1:${one} max_fails=0;`).join('\n    ')}
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000;
    large_client_header_buffers 4 32k;
    location = /nginx-is-up { return 200; }
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }
  }
}
`;
