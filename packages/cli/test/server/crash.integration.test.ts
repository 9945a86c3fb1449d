import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { until } from '../support/needs.js';
import { randomOf } from './junk.js';
import { startServer } from './program.js';
import { request, temporaryFolder } from './support.js';

const ROUNDS = process.env['SCALE'] === 'full' ? 500 : 20;
const KEY = { XLINK_AGENT_KEY: '07'.repeat(32) };

/** What was acknowledged, by what asks for it. */
type Acknowledged = Map<string, string>;

// Needs the built packages: `npm run build`.
describe('kill -9', () => {
  test(
    `loses nothing that was acknowledged, in ${ROUNDS} rounds`,
    async () => {
      const data = await temporaryFolder();
      const random = randomOf(Number(process.env['SEED'] ?? 9));
      const acknowledged: Acknowledged = new Map();
      let token = '';
      let did: string | undefined;
      for (let round = 0; round < ROUNDS; round++) {
        const server = await startServer(['--data', data, '--log-level', 'error'], { env: KEY });
        token ||= server.adminToken!;
        expect(server.did).toBe((did ??= server.did));
        await allThere(server.url, token, acknowledged);
        const writing = Promise.all(
          [0, 1, 2, 3].map((n) => write(server.url, token, `${round}-${n}`, acknowledged)),
        );
        const enough = acknowledged.size + 1 + Math.floor(random() * 40);
        await until(() => acknowledged.size >= enough);
        await pause(random() * 30); // in the midst of whatever comes next
        expect(await server.end('SIGKILL')).toBeNull();
        await writing;
      }
      expect(acknowledged.size).toBeGreaterThan(ROUNDS);
      const server = await startServer(['--data', data, '--log-level', 'error'], { env: KEY });
      await allThere(server.url, token, acknowledged);
      expect(await server.end('SIGTERM')).toBe(0);
      expect(server.output()).toMatch(/stopped\n$/);
    },
    ROUNDS * 15_000,
  );
});

/** Writes until the server is gone. */
async function write(url: string, token: string, name: string, acknowledged: Acknowledged): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `${name}-${n}`;
    try {
      const service = await request(url, 'PUT', `/v1/services/s${id}`, {
        token,
        body: { url: `https://${id}.example` },
      });
      if (service.status === 200) acknowledged.set(`/services/s${id}`, `https://${id}.example`);
      if (n % 4 !== 0) continue;
      const agent = await request(url, 'POST', '/v1/agents', { token, body: { name: id, scopes: ['*'] } });
      if (agent.status !== 201) continue;
      const { did } = agent.json;
      acknowledged.set(`/registry/resolve/${did}`, '"status":"active"');
      acknowledged.set(`/v1/agents/${did}`, id);
      const sent = await request(url, 'POST', `/v1/agents/${did}/send`, {
        token,
        body: { to: did, payload: id },
      });
      if (sent.status === 200) acknowledged.set(`mailbox ${did}`, id);
      const made = await request(url, 'POST', '/v1/tokens', { token, body: { name: id, role: 'auditor' } });
      if (made.status === 201) acknowledged.set('/v1/tokens', id);
    } catch (error) {
      if (!/^no answer|aborted/.test((error as Error).message)) throw error;
      return; // nothing was promised
    }
  }
}

async function allThere(url: string, token: string, acknowledged: Acknowledged): Promise<void> {
  const recent = [...acknowledged].slice(-150); // all of them would take longer and longer
  for (const [place, text] of recent) {
    const [, did] = /^mailbox (.*)/.exec(place) ?? [];
    const found = did
      ? await request(url, 'POST', `/v1/agents/${did}/receive`, { token, body: {} })
      : await request(url, 'GET', place, { token });
    if (!found.text.includes(text)) throw new Error(`lost: ${place} ${text}: ${found.text.slice(0, 300)}`);
  }
}
