import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import {
  type AgentCard,
  assertAnnouncement,
  assertCardSignature,
  assertCertificate,
  assertRevocation,
  decodeAnnouncement,
  decodeCardLink,
  decodeCertificateFile,
  decodeKeyFile,
  decodeRevocationFile,
  decodeRevocations,
  encodeAnnouncement,
  encodeCardLink,
  encodeCertificateFile,
  encodeKeyFile,
  encodeRevocationFile,
  encodeRevocations,
  externalBytes,
  hashOfRevocation,
  type IdentityAnnouncement,
  idOf,
  signedBytesOf,
  signedBytesOfCard,
  signedBytesOfRevocation,
  verifyExternally,
} from '../src/index.js';
import { bool, id, lengthPrefixed, none, some, string, u16, u32, u64, vec } from './rust-layout.js';
import { keysOf } from './support.js';

// Each layout three times: as src/ writes it, as test/rust-layout.ts has it from the source of x0x, and as it was frozen in vectors.json,
// whose signatures were made once and verify for good. Lines are those of x0x 0.39.3, commit 7cb00ad.

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const frozen = (name: string): Buffer => Buffer.from(vectors[name]!, 'base64');
const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

const [user, agent, machine] = ['user', 'agent', 'machine'].map(keysOf) as [
  ReturnType<typeof keysOf>,
  ReturnType<typeof keysOf>,
  ReturnType<typeof keysOf>,
];
const ISSUED = 1_760_000_000;
const NOT_AFTER = 1_800_000_000;

/** A signature with the empty context (ant-quic pqc.rs, `sign_with_ml_dsa`). */
const isSigned = (keys: { publicKey: Uint8Array }, message: Uint8Array, signature: Uint8Array) =>
  ml_dsa65.verify(signature, message, keys.publicKey);

describe('ids', () => {
  // ant-quic src/crypto/raw_public_keys/pqc.rs, derive_peer_id_from_public_key; x0x src/identity.rs lines 44-50.
  test('are SHA-256 over AUTONOMI_PEER_ID_V2: and the key', () => {
    expect(idOf(agent.publicKey)).toBe(sha256(Buffer.from('AUTONOMI_PEER_ID_V2:'), agent.publicKey));
    expect(idOf(agent.publicKey)).toBe(vectors['agentId']);
  });

  test('are not SHA-256 of the key alone, as the documents of x0x say', () => {
    expect(idOf(agent.publicKey)).not.toBe(sha256(agent.publicKey));
  });

  test('of a seed are those of FIPS 204 keys (x0x src/identity.rs line 354, UserKeypair::from_seed)', () => {
    expect(Buffer.from(user.publicKey)).toEqual(
      Buffer.from(
        ml_dsa65.keygen(new Uint8Array(createHash('sha256').update('x0x user').digest())).publicKey,
      ),
    );
    expect(user.id).toBe(vectors['userId']);
  });
});

describe('key files (x0x src/storage.rs lines 16-103)', () => {
  const body = Buffer.concat([vec(agent.publicKey), vec(agent.exportSecretKey())]);

  test('generation 1: public and secret key, 6000 bytes, a0 07 first', () => {
    expect(Buffer.from(encodeKeyFile(agent))).toEqual(body);
    expect([body.length, body[0], body[1]]).toEqual([6000, 0xa0, 0x07]);
    expect(sha256(encodeKeyFile(agent))).toBe(vectors['keyFileSha256']);
    expect(decodeKeyFile(body)).toMatchObject({ keys: { id: agent.id }, notAfter: undefined });
  });

  test('generation 2: X0K2 in front, the end behind, 6012 bytes', () => {
    const second = Buffer.concat([Buffer.from('X0K2'), body, u64(NOT_AFTER)]);
    expect(Buffer.from(encodeKeyFile(agent, NOT_AFTER))).toEqual(second);
    expect(second).toHaveLength(6012);
    expect(decodeKeyFile(second)).toMatchObject({ keys: { id: agent.id }, notAfter: NOT_AFTER });
  });
});

describe('certificates (x0x src/identity.rs lines 453-756)', () => {
  const fields = Buffer.concat([vec(user.publicKey), vec(agent.publicKey)]);
  const message = (label: string, ...times: number[]) =>
    Buffer.concat([Buffer.from(label), user.publicKey, agent.publicKey, ...times.map(u64)]);

  test('generation 1: no end, v1 is signed, the file has no marker', () => {
    const file = frozen('certificate');
    const certificate = decodeCertificateFile(file);
    expect([certificate.issuedAt, certificate.notAfter]).toEqual([ISSUED, undefined]);
    expect(Buffer.concat([fields, vec(certificate.signature), u64(ISSUED)])).toEqual(file);
    expect(isSigned(user, message('x0x-agent-cert-v1', ISSUED), certificate.signature)).toBe(true);
    assertCertificate(certificate, { now: ISSUED, agentId: agent.id, userId: user.id });
    expect(Buffer.from(encodeCertificateFile(certificate))).toEqual(file);
  });

  test('generation 2: X0C2, and v2 with the end is signed', () => {
    const file = frozen('certificateWithEnd');
    const certificate = decodeCertificateFile(file);
    expect(certificate).toMatchObject({ issuedAt: ISSUED, notAfter: NOT_AFTER });
    const body = Buffer.concat([fields, vec(certificate.signature), u64(ISSUED), some(u64(NOT_AFTER))]);
    expect(Buffer.concat([Buffer.from('X0C2'), body])).toEqual(file);
    expect(isSigned(user, message('x0x-agent-cert-v2', ISSUED, NOT_AFTER), certificate.signature)).toBe(true);
    assertCertificate(certificate, { now: ISSUED, agentId: agent.id, userId: user.id });
    expect(Buffer.from(encodeCertificateFile(certificate))).toEqual(file);
  });
});

describe('cards (x0x src/groups/card.rs lines 25-257)', () => {
  const card = decodeCardLink(vectors['cardLink']!);
  const signed = (of: AgentCard) =>
    Buffer.concat([
      Buffer.from('x0x-agent-card-v1'),
      lengthPrefixed(of.display_name),
      lengthPrefixed(of.agent_id),
      lengthPrefixed(of.machine_id),
      lengthPrefixed(of.user_id ?? ''),
      u32(of.addresses.length),
      ...of.addresses.map(lengthPrefixed),
      u32(of.groups.length),
      ...of.groups.flatMap(({ name, invite_link }) => [lengthPrefixed(name), lengthPrefixed(invite_link)]),
      u32(of.stores.length),
      ...of.stores.flatMap(({ name, topic }) => [lengthPrefixed(name), lengthPrefixed(topic)]),
      u64(of.created_at),
      // bincode of Option<DmCapabilities>: src/dm.rs lines 69-97.
      lengthPrefixed(
        of.dm_capabilities
          ? some(
              Buffer.concat([
                u16(of.dm_capabilities.max_protocol_version),
                bool(of.dm_capabilities.gossip_inbox),
                string(of.dm_capabilities.kem_algorithm),
                u64(of.dm_capabilities.max_envelope_bytes),
                vec(Uint8Array.from(of.dm_capabilities.kem_public_key)),
              ]),
            )
          : none,
      ),
      lengthPrefixed(of.agent_public_key ?? ''),
    ]);

  test('are JSON in base64url behind x0x://agent/, in the order of the source', () => {
    const json = Buffer.from(vectors['cardLink']!.slice('x0x://agent/'.length), 'base64url').toString();
    expect(Object.keys(JSON.parse(json))).toEqual([
      'display_name',
      'agent_id',
      'machine_id',
      'user_id',
      'addresses',
      'groups',
      'stores',
      'created_at',
      'dm_capabilities',
      'agent_public_key',
      'signature',
    ]);
    expect(encodeCardLink(card)).toBe(vectors['cardLink']);
    expect(decodeCardLink(vectors['cardLink']!.slice('x0x://agent/'.length))).toEqual(card);
  });

  test('are signed over every member that counts', () => {
    expect(Buffer.from(signedBytesOfCard(card))).toEqual(signed(card));
    expect(sha256(signedBytesOfCard(card))).toBe(vectors['cardSignedSha256']);
    expect(isSigned(agent, signed(card), Buffer.from(card.signature!, 'hex'))).toBe(true);
    assertCardSignature(card);
  });

  test('what is absent is an empty text, an empty list, or none', () => {
    const { user_id: _, dm_capabilities: __, ...rest } = card;
    const bare: AgentCard = { ...rest, addresses: [], groups: [], stores: [] };
    expect(Buffer.from(signedBytesOfCard(bare))).toEqual(signed(bare));
  });
});

describe('announcements (x0x src/lib.rs lines 836-974 and 1859-1974)', () => {
  const hints: Pick<IdentityAnnouncement, 'reachableVia'> = { reachableVia: [keysOf('other').id] };
  const head = (certificate: Buffer) =>
    Buffer.concat([
      id(agent.id),
      id(machine.id),
      some(id(user.id)),
      some(certificate),
      vec(machine.publicKey),
    ]);
  /** SocketAddr of serde: a u32 for V4 or V6, its bytes, the port as u16. */
  const addresses = Buffer.concat([
    u64(2),
    Buffer.concat([u32(0), Buffer.of(203, 0, 113, 7), u16(5483)]),
    Buffer.concat([u32(1), Buffer.from('20010db8000000000000000000000001', 'hex'), u16(443)]),
  ]);
  const tail = Buffer.concat([
    addresses,
    u64(ISSUED),
    some(string('FullCone')),
    some(bool(true)),
    some(bool(false)),
    none,
    u64(1),
    id(hints.reachableVia[0]!),
    u64(0),
  ]);

  const announcement = decodeAnnouncement(frozen('announcement'));
  const { certificate, machineSignature } = announcement;
  /** Inside of announcements always with the place for an end. */
  const embedded = Buffer.concat([
    vec(user.publicKey),
    vec(agent.publicKey),
    vec(certificate!.signature),
    u64(ISSUED),
    none,
  ]);

  test('are signed by the machine over all but its signature and the key of the agent', () => {
    const signed = Buffer.concat([head(embedded), tail]);
    expect(Buffer.from(signedBytesOf(announcement))).toEqual(signed);
    expect(isSigned(machine, signed, machineSignature)).toBe(true);
    assertAnnouncement(announcement, ISSUED);
  });

  test('travel behind X0A2, with the key of the agent at the end', () => {
    const wire = Buffer.concat([
      Buffer.from('X0A2'),
      head(embedded),
      vec(machineSignature),
      tail,
      vec(agent.publicKey),
    ]);
    expect(frozen('announcement')).toEqual(wire);
    expect(Buffer.from(encodeAnnouncement(announcement))).toEqual(wire);
    expect(announcement).toMatchObject({
      addresses: ['203.0.113.7:5483', '[2001:db8::1]:443'],
      natType: 'FullCone',
      canReceiveDirect: true,
      isRelay: false,
      isCoordinator: undefined,
      ...hints,
    });
  });

  test('of older builds have neither; the key comes from the certificate', () => {
    const wire = Buffer.concat([head(embedded), vec(machineSignature), tail]);
    const older = decodeAnnouncement(wire);
    expect(Buffer.from(older.agentPublicKey!)).toEqual(Buffer.from(agent.publicKey));
    assertAnnouncement(older, ISSUED);
    const { agentPublicKey: _, ...unnamed } = announcement;
    expect(Buffer.from(encodeAnnouncement(unnamed))).toEqual(wire);
  });
});

describe('revocations (x0x src/revocation.rs lines 41-455)', () => {
  const records = decodeRevocations(frozen('revocations'));
  const message = (tag: number, subject: string, issuer: Uint8Array, reason: string) =>
    Buffer.concat([
      Buffer.from('x0x-revocation-v1'),
      Buffer.of(tag),
      id(subject),
      issuer,
      u64(ISSUED),
      u64(Buffer.byteLength(reason)),
      Buffer.from(reason),
    ]);

  test('of an agent by itself: tag 1, and a reason with its length', () => {
    const [own] = records;
    const signed = message(1, agent.id, agent.publicKey, 'key_compromise');
    expect(Buffer.from(signedBytesOfRevocation(own!))).toEqual(signed);
    expect(isSigned(agent, signed, own!.signature)).toBe(true);
    expect(hashOfRevocation(own!)).toBe(vectors['revocationBlake3']);
    assertRevocation(own!);
  });

  test('of a machine by itself: tag 2, and none is no reason', () => {
    const [, own] = records;
    const signed = message(2, machine.id, machine.publicKey, '');
    expect(Buffer.from(signedBytesOfRevocation(own!))).toEqual(signed);
    expect(isSigned(machine, signed, own!.signature)).toBe(true);
    assertRevocation(own!);
  });

  test('travel as a list, with the subject as a variant', () => {
    const [first, second] = records;
    const wire = Buffer.concat([
      u64(2),
      u32(0),
      id(agent.id),
      vec(agent.publicKey),
      u64(ISSUED),
      some(string('key_compromise')),
      vec(first!.signature),
      u32(1),
      id(machine.id),
      vec(machine.publicKey),
      u64(ISSUED),
      none,
      vec(second!.signature),
    ]);
    expect(frozen('revocations')).toEqual(wire);
    expect(Buffer.from(encodeRevocations(records))).toEqual(wire);
  });

  test('are kept behind X0XR, each with the certificate that its issuer needs', () => {
    const [own] = records;
    const certificate = decodeCertificateFile(frozen('certificate'));
    const file = Buffer.concat([
      Buffer.from('X0XR'),
      u64(1),
      encodeRevocations([own!]).subarray(8),
      some(
        Buffer.concat([
          vec(user.publicKey),
          vec(agent.publicKey),
          vec(certificate.signature),
          u64(ISSUED),
          none,
        ]),
      ),
    ]);
    expect(Buffer.from(encodeRevocationFile([{ revocation: own!, certificate }]))).toEqual(file);
    expect(decodeRevocationFile(file)).toEqual([{ revocation: own, certificate }]);
    expect(decodeRevocationFile(new Uint8Array(0))).toEqual([]);
  });
});

test('signatures for applications (x0x src/api/agent_signing.rs lines 57-178): f0, a label, the context behind its length, big-endian', () => {
  const context = 'x0x-symphony-handoff-v1';
  const length = Buffer.of(0, 0, 0, context.length);
  const signed = Buffer.concat([
    Buffer.of(0xf0),
    Buffer.from('x0x.external-agent-sign.v1'),
    length,
    Buffer.from(context),
    Buffer.from('payload'),
  ]);
  expect(Buffer.from(externalBytes(context, Buffer.from('payload')))).toEqual(signed);
  expect(isSigned(agent, signed, frozen('externalSignature'))).toBe(true);
  expect(
    verifyExternally(agent.publicKey, context, Buffer.from('payload'), frozen('externalSignature')),
  ).toBe(true);
  expect(
    verifyExternally(agent.publicKey, 'other', Buffer.from('payload'), frozen('externalSignature')),
  ).toBe(false);
});
