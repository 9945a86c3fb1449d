import { beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, Identity, LoopbackTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { type AuditEntry, AuditLog, verifyAuditExport } from '@private.me/xlink/audit';
import { temporaryFolder } from '../support/temporary-folder.js';

type Signed = NonNullable<AuditEntry['envelope']>;

const organization = await Identity.fromSeed(new Uint8Array(32).fill(2));
let service: Agent;
let other: Agent;
let caller: Agent;
let identity: Identity;

beforeAll(async () => {
  const parts = { registry: new MemoryTrustRegistry(), transport: new LoopbackTransport() };
  identity = await Identity.fromSeed(new Uint8Array(32).fill(1));
  service = new Agent({ identity, ...parts, name: 'service' });
  await parts.registry.register({ did: service.did, keys: await service.keyRecord() });
  other = await Agent.quickstart({ ...parts, name: 'other' });
  caller = await Agent.quickstart({ ...parts, name: 'caller' });
});

const requestTo = async (to: Agent): Promise<Signed> =>
  caller.createRequest({ to: to.did, payload: {}, request: 'DELETE /items/1847' });

const entryOf = (envelope: Signed, more: Partial<AuditEntry> = {}): AuditEntry => ({
  type: 'request',
  from: envelope.from,
  to: envelope.to,
  scope: envelope.scope,
  ...(envelope.request === undefined ? {} : { request: envelope.request }),
  envelopeId: envelope.nonce,
  evidence: 'signed',
  decision: 'accepted',
  reason: 'ok',
  envelope,
  ...more,
});

async function proven(entries: readonly AuditEntry[], more: object = {}, format: 'json' | 'csv' = 'json') {
  const log = await AuditLog.open({ folder: await temporaryFolder(), identity, organization });
  for (const entry of entries) await log.append(entry);
  const { text, checkpoint } = await log.export({ format });
  await log.close();
  const found = await verifyAuditExport(text, { checkpoint, service: service.did, ...more });
  return { text, found, callers: found.entries.map(({ caller: by, doubts }) => [by, ...doubts]) };
}

describe('evidence', () => {
  test('tells what the caller signed from what the service says', async () => {
    const envelope = await requestTo(service);
    const entry = entryOf(envelope, { client: 'victim', data: { approves: 'everything' } });
    const { found, text } = await proven([entry, { type: 'mode', data: 1 }]);
    expect(found.entries[0]).toMatchObject({
      caller: 'verified',
      signed: ['from', 'to', 'scope', 'request', 'envelopeId'],
      signedAt: envelope.timestamp,
      doubts: [],
    });
    expect(found.entries[1]).toMatchObject({ caller: 'unproven', signed: [], doubts: [] });
    expect(found.doubtful).toBe(0);
    const [row] = JSON.parse(text).entries;
    expect(row.signed).toEqual(['from', 'to', 'scope', 'request', 'envelopeId']);
    const csv = (await proven([entry], {}, 'csv')).text.split('\r\n');
    expect(csv[0]).toBe(
      'seq,at,type,from,to,client,scope,request,overrides,envelopeId,evidence,decision,reason,data,signed,proof',
    );
    expect(csv[1]).toContain('"{""approves"":""everything""}",from to scope request envelopeId,');
  });

  test('for another service is none, unless the auditor knows that DID as one of this service', async () => {
    const entries = [entryOf(await requestTo(other))];
    const { callers, found } = await proven(entries);
    expect(callers).toEqual([['doubtful', 'recipient']]);
    expect(found.doubtful).toBe(1);
    expect((await proven(entries, { recipients: [other.did] })).callers).toEqual([['verified']]);
  });

  test('that the service signed itself needs no recipient', async () => {
    const envelope = await service.createEnvelope({ to: other.did, payload: {} });
    expect((await proven([entryOf(envelope, { type: 'message' })])).callers).toEqual([['verified']]);
  });

  test('counts once: what is in an earlier entry, too, is repeated', async () => {
    const envelope = await requestTo(service);
    const { callers } = await proven([entryOf(envelope), entryOf(envelope, { reason: 'again' })]);
    expect(callers).toEqual([['verified'], ['doubtful', 'repeated']]);
  });

  test('is of its time', async () => {
    const envelope = await requestTo(service);
    const at = envelope.timestamp;
    const entries = [entryOf(envelope, { at: at + 330_001 })];
    expect((await proven(entries)).callers).toEqual([['doubtful', 'time']]);
    expect((await proven(entries, { toleranceMs: 330_001 })).callers).toEqual([['verified']]);
    expect((await proven([entryOf(envelope, { at: 0 })])).callers).toEqual([['doubtful', 'time']]);
  });

  test('of a message is none for a request', async () => {
    const envelope = await caller.createEnvelope({ to: other.did, payload: {} });
    const recipients = [other.did];
    expect((await proven([entryOf(envelope)], { recipients })).callers).toEqual([['doubtful', 'kind']]);
  });
});

test('a table shows what would turn or hide its text as escapes', async () => {
  const client = 'a\u202eb\u2028c\u009b31md\u200be\u2066';
  const { text } = await proven([{ type: 'x', client }], {}, 'csv');
  expect(text).toContain('a\\u202eb\\u2028c\\u009b31md\\u200be\\u2066');
  expect(text).not.toMatch(/[\u202e\u2028\u009b\u200b\u2066]/);
});
