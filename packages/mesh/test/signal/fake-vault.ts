import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterTest } from './support.js';

/** What the KV version 2 engine of HashiCorp Vault answers, by its API documentation: reading, and writing with `cas`. */
export async function fakeVault(token = 'hvs.test') {
  const versions = new Map<string, { data: unknown; version: number }>();
  const seen: { method: string; path: string; namespace: string | undefined }[] = [];
  const settings = { isSealed: false };
  const server = createServer(async (req, res) => {
    const answer = (status: number, body: unknown) => {
      res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    const body = await text(req);
    const path = decodeURIComponent(new URL(req.url!, 'http://vault').pathname);
    seen.push({
      method: req.method!,
      path,
      namespace: req.headers['x-vault-namespace'] as string | undefined,
    });
    if (settings.isSealed) return answer(503, { errors: ['Vault is sealed'] });
    if (req.headers['x-vault-token'] !== token) return answer(403, { errors: ['permission denied'] });
    if (!path.startsWith('/v1/secret/data/')) return answer(404, { errors: ['no handler for route'] });
    const there = versions.get(path);
    if (req.method === 'GET') {
      if (!there) return answer(404, { errors: [] });
      return answer(200, {
        data: { data: there.data, metadata: { version: there.version, destroyed: false } },
      });
    }
    const { options, data } = JSON.parse(body);
    if (options?.cas !== undefined && options.cas !== (there?.version ?? 0))
      return answer(400, { errors: ['check-and-set parameter did not match the current version'] });
    const version = (there?.version ?? 0) + 1;
    versions.set(path, { data, version });
    answer(200, { data: { version, destroyed: false } });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    versions,
    seen,
    settings,
  };
}
