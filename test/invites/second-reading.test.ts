import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Agent, encodeDidKey, Identity, Invites, MemoryTrustRegistry, readInvite } from '@private.me/xlink';
import { seedOf } from '../support/agents.js';

// Written from docs/PROTOCOL.md section 19 with node:crypto alone.
const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const u32 = (n: number) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n].map((byte) => byte & 255));
const lp = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.flatMap((part) => [u32(Buffer.byteLength(part)), Buffer.from(part)]));
const privateKeyOf = (seed: Uint8Array) => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
};
const rawOf = (seed: Uint8Array) =>
  createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32);

describe('docs/PROTOCOL.md section 19', () => {
  const seed = seedOf('invite vector');
  const secret = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const end = Buffer.from('0065f0c8f0', 'hex');
  const texts = ['https://billing.example/xlink', 'Rechnung ü', 'orders orders:read', ''];

  test('a code that is made from the text is read', async () => {
    const body = Buffer.concat([
      Buffer.of(1),
      rawOf(seed),
      secret,
      end,
      ...texts.flatMap((text) => [u16(Buffer.byteLength(text)), Buffer.from(text)]),
    ]);
    const signature = sign(null, lp('xlink/1 invite', body), privateKeyOf(seed));
    const code = `XLK-${Buffer.concat([body, signature]).toString('base64url')}`;
    expect(await readInvite(code)).toEqual({
      from: encodeDidKey(rawOf(seed)),
      name: 'Rechnung ü',
      url: 'https://billing.example/xlink',
      scopes: ['orders', 'orders:read'],
      receives: [],
      expiresAt: new Date(0x65f0c8f0 * 1000),
    });
    expect(createHash('sha256').update(code).digest('hex')).toBe(
      '928658c78caab8bfad8262d849dbb6d109d16d0af38d32cbbb11794f87bb90b0',
    );
  });

  test('a code that is made here is as the text has it, and so is its number', async () => {
    const agent = new Agent({ identity: await Identity.fromSeed(seed), registry: new MemoryTrustRegistry() });
    const invites = new Invites({ agent, url: texts[0]!, name: texts[1]! });
    const { code, number, expiresAt } = await invites.create({ scopes: ['orders', 'orders:read'] });
    const bytes = Buffer.from(code.slice(4), 'base64url');
    const [body, signature] = [bytes.subarray(0, -64), bytes.subarray(-64)];
    expect(verify(null, lp('xlink/1 invite', body), createPublicKey(privateKeyOf(seed)), signature)).toBe(
      true,
    );
    expect(body.subarray(1, 33)).toEqual(rawOf(seed));
    expect(body.subarray(49, 54).readUIntBE(0, 5) * 1000).toBe(Date.parse(expiresAt));
    const inviteSeed = createHash('sha256')
      .update(lp('xlink/1 invite key', body.subarray(33, 49)))
      .digest();
    expect(number).toBe(rawOf(inviteSeed).toString('base64url'));
  });
});
