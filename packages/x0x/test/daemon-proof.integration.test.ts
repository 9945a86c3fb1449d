import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { encodeCardLink, signCard, X0xClient, X0xDaemon } from '../src/index.js';
import { afterTest, failureOf, idOfFailure, keysOf, placesIn, temporaryFolder, until } from './support.js';

const PROGRAM = fileURLToPath(new URL('../dist/x0x.js', import.meta.url));
const TOKEN = 'a'.repeat(64);

async function started() {
  const places = placesIn(await temporaryFolder());
  const daemon = await X0xDaemon.start({ ...places, apiPort: 0 });
  afterTest(() => daemon.stop());
  const token = await readFile(join(places.dataDir, 'api-token'), 'utf8');
  return { places, daemon, token, port: Number(daemon.address.split(':')[1]) };
}

/** Answers everything, as whoever took a port. */
async function impostor(port = 0, answer: unknown = { ok: true, status: 'healthy', proof: '0'.repeat(64) }) {
  const asked: IncomingMessage[] = [];
  const server = createServer((req, res) => {
    asked.push(req);
    res.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port: at } = server.address() as { port: number };
  return { asked, baseUrl: `http://127.0.0.1:${at}` };
}

describe('the token leaves only for the daemon', () => {
  test('who took the port of a killed daemon gets no token, is not believed, and keeps nobody from starting', async () => {
    const places = placesIn(await temporaryFolder());
    const args = ['--identity-dir', places.identityDir, '--data-dir', places.dataDir];
    const child = spawn(process.execPath, [PROGRAM, 'start', '--api-port', '0', ...args], { stdio: 'pipe' });
    let said = '';
    child.stdout.on('data', (part) => (said += String(part)));
    await until('it runs', () => said.includes('relay    '));
    const client = await X0xClient.local(places);
    expect(await client.isUp()).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'close');
    const address = await readFile(join(places.dataDir, 'api.port'), 'utf8');
    const { asked } = await impostor(Number(address.split(':')[1]));
    expect(await client.isUp()).toBe(false);
    expect(await idOfFailure(() => client.agent())).toBe('DAEMON_UNREACHABLE:UNPROVEN');
    const command = spawn(process.execPath, [PROGRAM, 'agent', ...args], { stdio: 'pipe' });
    let out = '';
    command.stdout.on('data', (part) => (out += String(part)));
    expect((await once(command, 'close'))[0]).toBe(0);
    expect(out).toMatch(/^agent {4}[0-9a-f]{64}\n/);
    const daemon = await X0xDaemon.start({ ...places, apiPort: 0 });
    afterTest(() => daemon.stop());
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });

  test('a proof is of one address and one question', async () => {
    const { daemon } = await started();
    const health = async (challenge: string) => {
      const answer = await fetch(`http://${daemon.address}/health`, {
        headers: { 'x0x-challenge': challenge },
      });
      return ((await answer.json()) as { proof?: string }).proof;
    };
    expect(await health('0'.repeat(64))).toMatch(/^[0-9a-f]{64}$/);
    expect(await health('0'.repeat(64))).not.toBe(await health('1'.repeat(64)));
    expect(await health('0')).toBeUndefined();
  });

  test.each([
    'http://127.evil.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.com',
    'http://user:password@127.0.0.1',
    'http://0.0.0.0',
  ])('%s is not this machine', async (baseUrl) => {
    expect(await idOfFailure(() => new X0xClient({ baseUrl, token: TOKEN }))).toBe('INVALID_OPTION');
  });
});

describe('answers of a daemon that are none', () => {
  const asking = async (answer: unknown) => {
    const { baseUrl } = await impostor(0, answer);
    return new X0xClient({ baseUrl, token: TOKEN });
  };

  test.each<[string, unknown, (client: X0xClient) => Promise<unknown>]>([
    ['nothing', {}, (client) => client.agent()],
    ['a list', '[]', (client) => client.agent()],
    ['ids that are none', { ok: true, agent_id: 5, machine_id: 'x' }, (client) => client.agent()],
    ['a user that is none', { ok: true, user_id: { x: 1 } }, (client) => client.userId()],
    ['no contacts', { ok: true }, (client) => client.contacts()],
    ['another decision', { ok: true, decision: 'Sure' }, (client) => client.evaluate('a', 'b')],
    ['a link that is none', { ok: true, link: '\u001b[31m' }, (client) => client.cardLink()],
    [
      'a short signature',
      { ok: true, signature_b64: 'AAAA' },
      (client) => client.sign('a', new Uint8Array(1)),
    ],
    ['9 MiB', `{"ok":true,"x":"${'x'.repeat(9 * 1024 * 1024)}"}`, (client) => client.agent()],
  ])('%s', async (_, answer, work) => {
    const client = await asking(answer);
    expect(await idOfFailure(() => work(client))).toBe('DAEMON_ANSWER_INVALID');
  });

  test('what it says to an error is short, and harmless in a terminal', async () => {
    const client = await asking({ ok: false, error: `\u001b[31mfoo\n${'x'.repeat(100_000)}` });
    const { message } = await failureOf(() => client.agent());
    expect(message.length).toBeLessThan(400);
    expect(message).not.toMatch(/\p{Cc}/u);
  });
});

describe('requests that are half or wrong', () => {
  /** What comes back for bytes, until the connection ends or something came. */
  async function answerTo(port: number, text: string) {
    const socket = connect(port, '127.0.0.1');
    afterTest(() => socket.destroy());
    let got = '';
    socket.on('data', (part) => (got += String(part)));
    const ended = once(socket, 'close');
    socket.write(text);
    return { ended, got: () => got };
  }

  test('a body is not waited for where no token came: the connection ends', async () => {
    const { port } = await started();
    for (const [path, status] of [
      ['/health', 405],
      ['/contacts', 401],
    ] as const) {
      const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500000\r\n\r\n{`;
      const { ended, got } = await answerTo(port, head);
      await ended;
      expect(got()).toContain(`HTTP/1.1 ${status} `);
    }
  });

  test('a target that is no URL, and a member that is there twice, are mistakes of who asks', async () => {
    const { port, token, daemon } = await started();
    const { got } = await answerTo(port, 'GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await until('it answers', () => got().includes('}'));
    expect(got()).toContain('HTTP/1.1 400 ');
    const answer = await fetch(`http://${daemon.address}/contacts/trust`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: `{"agent_id":"${keysOf('a').id}","level":"blocked","level":"trusted"}`,
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      400,
      'REQUEST_INVALID',
    ]);
  });

  test('members have the names of x0x and those of the other routes, one at a time; a contact can be renamed', async () => {
    const { token, daemon } = await started();
    const ask = async (method: string, path: string, body?: object) => {
      const headers = { authorization: `Bearer ${token}` };
      const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
      return (await (await fetch(`http://${daemon.address}${path}`, init)).json()) as Record<string, unknown>;
    };
    const { id } = keysOf('a');
    expect(await ask('POST', '/contacts/trust', { agent_id: id, trust_level: 'known' })).toMatchObject({
      ok: true,
    });
    expect(
      await ask('POST', '/contacts/trust', { agent_id: id, level: 'known', trust_level: 'known' }),
    ).toMatchObject({ ok: false, code: 'REQUEST_INVALID' });
    await ask('PATCH', `/contacts/${id}`, { label: 'Renamed' });
    expect((await ask('GET', '/contacts'))['contacts']).toMatchObject([{ label: 'Renamed' }]);
    const payload_b64 = Buffer.from('manifest').toString('base64');
    const { ok, ...signed } = await ask('POST', '/agent/sign', { context: 'my-app', payload_b64 });
    expect(ok).toBe(true);
    expect(await ask('POST', '/agent/verify', { ...signed, payload_b64 })).toMatchObject({
      ok: true,
      valid: true,
    });
    expect(await ask('POST', '/agent/verify', { ...signed, payload_b64, agent_id: id })).toMatchObject({
      ok: false,
      field: 'agent_id',
    });
  });

  test('a card cannot forge lines or move the cursor in the output of the command', async () => {
    const { places } = await started();
    const keys = keysOf('evil');
    const link = encodeCardLink(
      signCard(keys, {
        display_name: `Bob\u001b[2K\r${'ab'.repeat(32)}  trusted\nAlice\u202e`,
        agent_id: keys.id,
        machine_id: keys.id,
        addresses: [],
        groups: [],
        stores: [],
        created_at: 1,
      }),
    );
    const run = async (...words: string[]) => {
      const child = spawn(
        process.execPath,
        [PROGRAM, ...words, '--identity-dir', places.identityDir, '--data-dir', places.dataDir],
        { stdio: 'pipe' },
      );
      let out = '';
      child.stdout.on('data', (part) => (out += String(part)));
      child.stdin.end(link);
      await once(child, 'close');
      return out.trimEnd().split('\n');
    };
    const imported = await run('import', '-');
    expect(imported).toHaveLength(3);
    expect(await run('contacts')).toHaveLength(1);
    for (const line of [...imported, ...(await run('contacts', '--json'))])
      expect(line).not.toMatch(/[\p{Cc}\u{202e}]/u);
  });
});
