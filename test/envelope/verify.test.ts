import { describe, expect, test } from '@jest/globals';
import { isXlinkError } from '../../src/errors/errors.js';
import { createKeyRecord } from '../../src/identity/key-record.js';
import type { Envelope, KeyRecord, Version } from '../../src/types/protocol.js';
import { verifyEnvelope } from '../../src/verify.js';
import { identityOf } from '../support/agents.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair } from '../support/world.js';

/** An envelope of alice for bob, and the key record of alice. */
async function sealed(maxVersion: Version): Promise<{ envelope: Envelope; keys: KeyRecord; did: string }> {
  const { world, alice, bob } = await pair({ maxVersion }, { maxVersion });
  unwrap(await alice.send({ to: bob.did, payload: { amount: 7 }, scope: 'payments:write' }));
  const keys = await createKeyRecord(await identityOf('alice', maxVersion));
  return { envelope: world.transport.outbox[0]!, keys, did: alice.did };
}

const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

describe('verifyEnvelope', () => {
  test.each([1, 2, 3] as const)(
    'says who signed version %i, without a key of the recipient',
    async (version) => {
      const { envelope, keys, did } = await sealed(version);
      for (const input of [envelope, JSON.stringify(envelope)]) {
        const { from, scope, version: found } = unwrap(await verifyEnvelope(input, { keys }));
        expect([from, scope, found]).toEqual([did, 'payments:write', version]);
      }
    },
  );

  test('needs no key record below version 3, and the right one in version 3', async () => {
    expect(idOf(await verifyEnvelope((await sealed(2)).envelope))).toBe('ok');
    const { envelope } = await sealed(3);
    expect(idOf(await verifyEnvelope(envelope))).toBe('VERIFICATION_FAILED:NO_PQ_KEY');
    const keys = await createKeyRecord(await identityOf('bob', 3));
    expect(idOf(await verifyEnvelope(envelope, { keys }))).toBe('KEY_RECORD_INVALID');
  });

  test.each(['signature', 'pqSignature', 'payload', 'nonce'] as const)(
    'refuses a changed %s',
    async (member) => {
      const { envelope, keys } = await sealed(3);
      const changed = { ...envelope, [member]: flipped(envelope[member]!) };
      expect(idOf(await verifyEnvelope(changed, { keys }))).toMatch(/^VERIFICATION_FAILED:/);
    },
  );

  test('refuses a key record that somebody changed', async () => {
    const { envelope, keys } = await sealed(3);
    const changed = { ...keys, epoch: keys.epoch + 1 };
    expect(idOf(await verifyEnvelope(envelope, { keys: changed }))).toBe('KEY_RECORD_INVALID');
  });

  test('refuses what is no envelope, is too large, or comes with an unknown option', async () => {
    expect(errorOf(await verifyEnvelope('{}')).code).toBe('PARSE_FAILED');
    const { envelope } = await sealed(3);
    expect(idOf(await verifyEnvelope(envelope, { maxEnvelopeBytes: 1024 }))).toBe('ENVELOPE_TOO_LARGE');
    const wrong = errorOf(await verifyEnvelope(envelope, { key: {} } as object));
    expect(isXlinkError(wrong) && [wrong.id, wrong.hint]).toEqual([
      'INVALID_OPTION',
      expect.stringContaining('did you mean keys'),
    ]);
  });
});
