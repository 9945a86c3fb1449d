import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { Identity } from '@private.me/xlink';
import { assertAgentWord } from '../src/announce/agent-word.js';
import { agentBoundTo, Contacts, decodeAnnouncement, provenMachine } from '../src/index.js';
import { keysOf, seedOf, temporaryFolder } from './support.js';

// What this package puts on the wire by itself (docs/x0x.md), frozen in vectors.json and written down once more here; and contacts.json of
// x0x, whose JSON is that of serde (src/contacts.rs lines 136-245).

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const frozen = (name: string): Buffer => Buffer.from(vectors[name]!, 'base64');
const ISSUED = 1_760_000_000;
const [agent, machine] = [keysOf('agent'), keysOf('machine')];

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
/** `LP` of docs/PROTOCOL.md. */
const LP = (...parts: (Uint8Array | string)[]): Buffer =>
  Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
const isSigned = (label: string, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  ml_dsa65.verify(signature, message, publicKey, { context: Buffer.from(label) });

describe('vectors of xLink', () => {
  test('a binding of DID and agent', async () => {
    const binding = JSON.parse(vectors['binding']!);
    const identity = await Identity.fromSeed(seedOf('did'));
    const message = LP('xlink/1 x0x agent binding', identity.did, agent.publicKey, number(ISSUED));
    expect(binding).toMatchObject({
      did: identity.did,
      issuedAt: ISSUED,
      agentPublicKey: Buffer.from(agent.publicKey).toString('base64url'),
    });
    const agentSignature = Buffer.from(binding.agentSignature, 'base64url');
    expect(isSigned('xlink/1 x0x agent binding', agent.publicKey, message, agentSignature)).toBe(true);
    expect(Buffer.from(await identity.ed25519.sign(message)).toString('base64url')).toBe(binding.signature);
    expect(await agentBoundTo(identity.did, binding, identity.crypto)).toBe(agent.id);
  });

  test('a proof of a machine', () => {
    const proof = Buffer.from(vectors['machineProof']!, 'base64url');
    const claim = { from: 'did:key:from', to: 'did:key:to' };
    const message = LP('xlink/1 x0x machine', claim.from, claim.to, number(ISSUED));
    expect(proof.subarray(0, 8 + 1952)).toEqual(Buffer.concat([number(ISSUED), machine.publicKey]));
    expect(isSigned('xlink/1 x0x machine', machine.publicKey, message, proof.subarray(8 + 1952))).toBe(true);
    expect(provenMachine(vectors['machineProof'], claim, ISSUED)).toBe(machine.id);
  });

  test('the word of an agent for its announcement', () => {
    const announcement = frozen('announcement');
    const word = frozen('agentWord');
    expect(
      isSigned(
        'xlink/1 x0x announcement',
        agent.publicKey,
        LP('xlink/1 x0x announcement', announcement),
        word,
      ),
    ).toBe(true);
    assertAgentWord(decodeAnnouncement(announcement), announcement, word);
  });
});

test('contacts.json as x0x writes it is read, and written the same', async () => {
  const numbers = (first: number) => Array.from({ length: 32 }, (_, at) => (first + at) % 256);
  const file = {
    contacts: [
      {
        agent_id: numbers(1),
        trust_level: 'trusted',
        label: "David's Fae",
        added_at: ISSUED,
        last_seen: ISSUED + 1,
        identity_type: 'pinned',
        machines: [
          { machine_id: numbers(100), label: null, first_seen: ISSUED, last_seen: ISSUED, pinned: true },
        ],
        dm_capabilities: {
          max_protocol_version: 2,
          gossip_inbox: true,
          kem_algorithm: 'ML-KEM-768',
          max_envelope_bytes: 65_536,
          kem_public_key: [1, 2],
        },
      },
      {
        agent_id: numbers(200),
        trust_level: 'blocked',
        label: null,
        added_at: ISSUED,
        last_seen: null,
        identity_type: 'anonymous',
        machines: [],
      },
    ],
    revocations: [{ agent_id: numbers(200), reason: 'stolen', timestamp: ISSUED, revoker_id: null }],
  };
  const path = join(await temporaryFolder(), 'contacts.json');
  await writeFile(path, JSON.stringify(file, null, 2));
  const contacts = await Contacts.open(path);
  const [trusted, blocked] = contacts.list();
  expect(trusted).toMatchObject({ trustLevel: 'trusted', label: "David's Fae", identityType: 'pinned' });
  expect(contacts.evaluate(trusted!.agentId, trusted!.machines[0]!.machineId)).toBe('Accept');
  expect(contacts.evaluate(trusted!.agentId, blocked!.agentId)).toBe('RejectMachineMismatch');
  expect(contacts.isRevoked(blocked!.agentId)).toBe(true);
  await contacts.setTrust(trusted!.agentId, 'trusted');
  const written = JSON.parse(await readFile(path, 'utf8'));
  expect({ ...written, contacts: [written.contacts[0], written.contacts[1]] }).toEqual(file);
});

test('a file of an older build of x0x has neither types nor machines', async () => {
  const path = join(await temporaryFolder(), 'contacts.json');
  const agent_id = Array<number>(32).fill(7);
  await writeFile(
    path,
    JSON.stringify({
      contacts: [{ agent_id, trust_level: 'known', label: null, added_at: 1, last_seen: null }],
    }),
  );
  const [contact] = (await Contacts.open(path)).list();
  expect(contact).toMatchObject({ trustLevel: 'known', identityType: 'anonymous', machines: [] });
});
