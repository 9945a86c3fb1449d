import { createHash, createPublicKey, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { decodeDidKey } from '@private.me/xlink';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

const content = '{"amount":100}';

test('a signature proves to another agent who signed what, and for which context', async () => {
  const { alice, bob } = await pair();
  const signature = await alice.sign(content, { context: 'invoice/1' });
  expect(signature).toMatch(/^[\w-]{86}$/);
  const claim = { did: alice.did, content, signature, context: 'invoice/1' };
  expect(idOf(await bob.verify(claim))).toBe('ok');
  expect(idOf(await bob.verify({ ...claim, content: new TextEncoder().encode(content) }))).toBe('ok');
  for (const wrong of [
    { did: bob.did },
    { content: `${content} ` },
    { content: '' },
    { context: 'invoice/2' },
    { context: '' },
    { signature: signature.slice(1) },
    { signature: `${signature.slice(0, -2)}AA` },
    { signature: '' },
    { signature: undefined as never },
  ])
    expect(idOf(await bob.verify({ ...claim, ...wrong }))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
});

test('it is made as docs/PROTOCOL.md says: over label, context and hash', async () => {
  const { alice } = await pair();
  const bytes = (text: string) => Buffer.from(text, 'utf8');
  const parts = [bytes('xlink/1 application'), bytes('ctx'), createHash('sha256').update(content).digest()];
  const transcript = Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), part]));
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), decodeDidKey(alice.did)]),
    format: 'der',
    type: 'spki',
  });
  const signature = await alice.sign(content, { context: 'ctx' });
  expect(verify(null, transcript, key, Buffer.from(signature, 'base64url'))).toBe(true);
});

test('an agent that signs whatever it is asked to makes no envelope of anybody', async () => {
  const { alice, bob } = await pair();
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1, signedOnly: true });
  const { signature: _, ...unsigned } = { ...envelope, scope: 'admin' };
  for (const text of [JSON.stringify(unsigned), unsigned.payload!]) {
    const signature = await alice.sign(text);
    expect(idOf(await bob.receive({ ...unsigned, signature }, { allowCleartext: true }))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
  }
});

test('who is unknown or revoked has signed nothing', async () => {
  const { world, alice, bob } = await pair();
  const claim = { did: alice.did, content, signature: await alice.sign(content) };
  const elsewhere = await new World().agent('carol');
  expect(idOf(await elsewhere.verify(claim))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
  unwrap(await world.registry.revoke(alice.did));
  expect(idOf(await bob.verify(claim))).toBe('VERIFICATION_FAILED:DID_REVOKED');
});

test('what has no bytes of its own is not signed', async () => {
  const { alice } = await pair();
  for (const wrong of [{ amount: 100 }, 1, null, undefined])
    expect((await thrownBy(() => alice.sign(wrong as never))).field).toBe('content');
  expect((await thrownBy(() => alice.sign('a', { context: 'x'.repeat(129) }))).field).toBe('context');
  expect(errorOf(await alice.verify({ did: alice.did } as never)).field).toBe('content');
});
