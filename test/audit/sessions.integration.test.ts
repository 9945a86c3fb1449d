import { beforeEach, describe, expect, test } from '@jest/globals';
import { Agent, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import {
  type AuditEntry,
  AuditLog,
  type ProvenEntry,
  requestMatcher,
  verifyAuditExport,
} from '@private.me/xlink/audit';
import { fetchFor, postJson } from '../client/support.js';
import { serveSessions } from '../session/support.js';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

let log: AuditLog;
let agent: Agent;

beforeEach(async () => {
  const registry = new MemoryTrustRegistry();
  const seed = seedOf('audited sessions');
  const identity = await Identity.fromSeed(seed);
  const made = await Agent.fromSeed({ seed, name: 'orders', registry });
  agent = made.ok ? made.value : (undefined as never);
  const organization = await Identity.fromSeed(new Uint8Array(32).fill(5));
  log = await AuditLog.open({ folder: await temporaryFolder(), identity, organization });
  afterTest(() => log.close());
});

const exported = async () => {
  const { text, checkpoint } = await log.export();
  return { text, options: { checkpoint, service: agent.did } };
};
const proven = async () => {
  const { text, options } = await exported();
  return verifyAuditExport(text, options);
};
const entriesOf = async (type: string): Promise<AuditEntry[]> => {
  const found: AuditEntry[] = [];
  for await (const { seq: _, ...entry } of log.entries()) if (entry.type === type) found.push(entry);
  return found;
};
const inSessions = (entries: readonly ProvenEntry[]) =>
  entries.filter(({ evidence, type }) => evidence === 'session' && type === 'request');

/** So many calls in sessions, and one checkpoint at least. */
async function called(count: number, checkpoints: object = { requests: 16 }) {
  const api = await serveSessions({ checkpoints }, { agent, audit: log });
  const call = fetchFor(api.url);
  for (let i = 0; i < count; i++) await call(`/form?n=${i}`, postJson({ i }));
  await until(async () => (await entriesOf('session-checkpoint')).length > 0);
  return api;
}

describe('requests in sessions, in an export', () => {
  test('are proven by their leaf and the checkpoint that the caller signed; those without one are counted', async () => {
    await called(30);
    const { entries, uncovered, complete } = await proven();
    expect(complete).toBe(true);
    const requests = inSessions(entries);
    expect(requests.length).toBeGreaterThan(20);
    const covered = requests.filter(({ caller }) => caller === 'checkpoint');
    expect(covered.length).toBeGreaterThan(7);
    expect(covered[0]).toMatchObject({ request: 'POST /form?n=1', decision: 'accepted', to: agent.did });
    expect(requests.filter(({ caller }) => caller === 'uncovered')).toHaveLength(uncovered);
    expect(covered.length + uncovered).toBe(requests.length);
    const checkpoints = entries.filter(({ type }) => type === 'session-checkpoint');
    expect(checkpoints.every(({ caller }) => caller === 'verified')).toBe(true);
    expect(checkpoints[0]!.from).toBe(covered[0]!.from);
  });

  test('are proven in an export of one request, too: it has the checkpoints of what it has', async () => {
    await called(30);
    const { text, checkpoint } = await log.export({ where: requestMatcher('POST /form?n=2') });
    const { entries } = await verifyAuditExport(text, { checkpoint, service: agent.did });
    expect(entries.map(({ type, caller }) => `${type} ${caller}`)).toEqual([
      'request checkpoint',
      'session-checkpoint verified',
    ]);
  });

  test('are proven by a checkpoint that is too long for one entry', async () => {
    await called(540, { requests: 1024 });
    const parts = await entriesOf('session-checkpoint');
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ envelope }) => envelope !== undefined).filter(Boolean)).toHaveLength(1);
    const { entries } = await proven();
    expect(inSessions(entries).filter(({ caller }) => caller === 'checkpoint').length).toBeGreaterThan(400);
  });

  test('have the word of the service alone where callers need not sign', async () => {
    const api = await serveSessions(true, { agent, audit: log });
    const call = fetchFor(api.url);
    for (let i = 0; i < 4; i++) await call('/form', postJson({ i }));
    await until(async () => (await entriesOf('request')).length >= 4);
    const { entries, uncovered } = await proven();
    expect(inSessions(entries).length).toBeGreaterThan(1);
    expect(inSessions(entries).every(({ caller, leaf }) => caller === 'unproven' && leaf === undefined)).toBe(
      true,
    );
    expect(uncovered).toBe(0);
  });

  test('are countersigned only once their checkpoint is in the log', async () => {
    const reasons: string[] = [];
    const failing = {
      append: async ({ type }: AuditEntry) => {
        if (type === 'session-checkpoint') throw new Error('the disk is full');
      },
    };
    const api = await serveSessions({ checkpoints: { requests: 8 } }, { agent, audit: failing });
    const call = fetchFor(api.url);
    for (let i = 0; i < 12; i++) expect((await call('/form', postJson({ i }))).status).toBe(201);
    for (const event of api.events) if (event.type === 'session-checkpoint') reasons.push(event.reason);
    expect(reasons).not.toContain('ok');
  });
});

describe('a service that rewrites what was asked in a session is found out', () => {
  const forge = async (change: (entry: AuditEntry) => AuditEntry) => {
    await called(20);
    const [first] = (await entriesOf('request')).filter(({ leaf }) => leaf !== undefined);
    await log.append(change(first!));
    const { text, options } = await exported();
    return verifyAuditExport(text, options).then(
      ({ entries }) => [entries.at(-1)!.caller, ...entries.at(-1)!.doubts].join(' '),
      ({ id, field }) => `${id} ${field}`,
    );
  };

  test('as it was, it was signed, and once only', async () => {
    expect(await forge((entry) => entry)).toBe('doubtful repeated');
  });

  test('at another time: what was signed is no evidence for it', async () => {
    expect(await forge((entry) => ({ ...entry, at: 0 }))).toBe('doubtful repeated time');
  });

  test.each([
    ['another request', { request: 'DELETE /items/1847' }],
    ['another scope', { scope: 'admin' }],
    ['another number', { envelopeId: `${'A'.repeat(22)}.3` }],
    ['another leaf', { leaf: 'A'.repeat(43) }],
    ['another content', { data: { session: { salt: 'AAAA', timestamp: 1, request: 'AAAA' } } }],
    ['nothing to make the leaf of', { data: {} }],
  ])('%s, under the leaf that was signed', async (_, change) => {
    expect(await forge((entry) => ({ ...entry, ...change }))).toBe('AUDIT_INVALID leaf');
  });

  test('a request of its own, with a leaf that fits: nobody has signed that', async () => {
    await called(20);
    const [first] = (await entriesOf('request')).filter(({ leaf }) => leaf !== undefined);
    const { leafOf } = await import('../../src/session/checkpoint/leaf.js');
    const { requestDigest } = await import('../../src/session/request.js');
    const { sessionPrefixes } = await import('../../src/session/schedule/master.js');
    const { crypto } = await Identity.fromSeed(seedOf('any'));
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
    const { session } = first!.data as {
      session: Record<'salt' | 'request', string> & { timestamp: number };
    };
    const [sid, seq] = first!.envelopeId!.split('.') as [string, string];
    const prefixes = sessionPrefixes({ sid: bytes(sid), from: first!.from!, to: first!.to! });
    const request = 'DELETE /items/1847';
    const head = {
      seq: Number(seq),
      salt: bytes(session.salt),
      timestamp: session.timestamp,
      scope: first!.scope!,
    };
    const digest = await requestDigest(crypto, { prefixes }, head, request);
    const leaf = Buffer.from(await leafOf(crypto, digest, bytes(session.request))).toString('base64url');
    await log.append({ ...first!, request, leaf });
    const { entries } = await proven();
    expect(entries.at(-1)).toMatchObject({ request, caller: 'uncovered' });
  });

  test.each([
    [
      'with other leaves',
      (text: string) => text.replace(/(?<="leaves":\[\[0,")./, (letter) => (letter === '_' ? '-' : '_')),
    ],
    ['of nothing', () => '{}'],
  ])('a checkpoint %s than those that its envelope signs', async (_, change) => {
    await called(20);
    const [first] = await entriesOf('session-checkpoint');
    const data = first!.data as { content: string };
    const forged = change(data.content);
    expect(forged).not.toBe(data.content);
    // under a caller of its own, so that the good one does not stand beside it
    await log.append({ ...first!, data: { ...data, content: forged } });
    const { text, options } = await exported();
    const lines = text.split('\n');
    const only = [lines[0], lines.at(-3), lines.at(-2), ''].join('\n');
    await expect(verifyAuditExport(only, options)).rejects.toMatchObject({
      id: 'AUDIT_INVALID',
      field: 'checkpoint',
    });
  });
});
