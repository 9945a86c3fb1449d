import { expect, test } from '@jest/globals';
import { Identity, PolicyEngine } from '@private.me/xlink';
import { AuditLog, type RecordedEntry } from '@private.me/xlink/audit';
import { afterTest } from '../support/after-test.js';
import { optionRefusedBy } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { asked, byKey, DID, NOON } from './requests.js';

const [identity, organization] = await Promise.all(
  [1, 2].map((seed) => Identity.fromSeed(new Uint8Array(32).fill(seed))),
);

test('an audit log keeps what a policy has written down', async () => {
  const log = await AuditLog.open({
    folder: await temporaryFolder(),
    identity: identity!,
    organization: organization!,
  });
  afterTest(() => log.close());
  const policy = await PolicyEngine.create({
    rules: [{ id: 'money', scope: 'finance', require: ['audit-log'] }],
    audit: log,
  });
  expect(await policy.decide(asked())).toEqual({ effect: 'allow' });
  expect(await policy.decide(byKey())).toEqual({ effect: 'allow' });
  const entries: RecordedEntry[] = [];
  for await (const entry of log.entries()) entries.push(entry);
  expect(entries).toMatchObject([
    {
      type: 'policy',
      at: NOON,
      from: DID,
      client: 'acme',
      envelopeId: 'n1',
      decision: 'accepted',
      data: { request: asked(), rules: ['money'], revision: 1 },
    },
    { type: 'policy', client: 'acme', data: { request: byKey() } },
  ]);
});

test('what cannot be written to is refused at once', async () => {
  for (const audit of [{}, { log: {} }, 'audit', { append: true }])
    expect(await optionRefusedBy(() => PolicyEngine.create({ rules: [], audit: audit as never }))).toBe(
      'audit',
    );
});
