import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import { type BincodeReader, BincodeWriter, behindMarker, readAll } from './bincode.js';
import {
  type AgentCertificate,
  assertCertificate,
  readCertificate,
  writeCertificate,
} from './certificate.js';
import { readAddress, writeAddress } from './socket-address.js';

/** In front of announcements that carry the key of the agent. */
const MARKER = 'X0A2';

/** Larger ones are refused unread: 64 KiB. */
export const MAX_ANNOUNCEMENT_BYTES = 64 * 1024;
/** How far the clock of a sender may be ahead, in seconds. */
export const ANNOUNCEMENT_SKEW_S = 30;
/** How long an announcement counts, in seconds: 15 minutes. */
export const ANNOUNCEMENT_TTL_S = 900;

/** Where an agent is, signed by its machine. */
export interface IdentityAnnouncement {
  /** The agent. */
  readonly agentId: X0xId;
  /** The machine it runs on. */
  readonly machineId: X0xId;
  /** The human behind it, only with her consent. */
  readonly userId?: X0xId | undefined;
  /** Proof of that; present with `userId` and only then. */
  readonly certificate?: AgentCertificate | undefined;
  /** ML-DSA-65, 1952 bytes. */
  readonly machinePublicKey: Uint8Array;
  /** By the machine over all but the key of the agent, 3309 bytes. */
  readonly machineSignature: Uint8Array;
  /** `IP:port`, hints for transports of x0x; empty from here. */
  readonly addresses: readonly string[];
  /** Seconds since 1970. */
  readonly announcedAt: number;
  /** As its network sees it, of nodes of x0x. */
  readonly natType?: string | undefined;
  /** Whether it takes connections, of nodes of x0x. */
  readonly canReceiveDirect?: boolean | undefined;
  /** Whether it relays, of nodes of x0x. */
  readonly isRelay?: boolean | undefined;
  /** Whether it coordinates, of nodes of x0x. */
  readonly isCoordinator?: boolean | undefined;
  /** Machines through which it is reached, of nodes of x0x. */
  readonly reachableVia: readonly X0xId[];
  /** Machines that would relay for it, of nodes of x0x. */
  readonly relayCandidates: readonly X0xId[];
  /** ML-DSA-65, 1952 bytes: it proves itself, for `agentId` is its hash. Absent from announcements of builds before it. */
  readonly agentPublicKey?: Uint8Array | undefined;
}

/** What is put into an announcement. */
export type AnnouncementContent = Omit<
  IdentityAnnouncement,
  'machineId' | 'machinePublicKey' | 'machineSignature'
>;

/** Signs an announcement with the key of the machine. */
export function signAnnouncement(machine: X0xKeyPair, content: AnnouncementContent): IdentityAnnouncement {
  const unsigned = { ...content, machineId: machine.id, machinePublicKey: machine.publicKey };
  return { ...unsigned, machineSignature: machine.sign(signedBytesOf(unsigned)) };
}

/** What the machine signs. */
export function signedBytesOf(announcement: Omit<IdentityAnnouncement, 'machineSignature'>): Uint8Array {
  const writer = new BincodeWriter();
  writeHead(writer, announcement);
  writeTail(writer, announcement);
  return writer.done();
}

/** As it travels: `X0A2` and the key of the agent behind the rest, or the older form if the key is not known. */
export function encodeAnnouncement(announcement: IdentityAnnouncement): Uint8Array {
  const { agentPublicKey } = announcement;
  const writer = new BincodeWriter();
  if (agentPublicKey) writer.raw(utf8ToBytes(MARKER));
  writeHead(writer, announcement);
  writer.bytes(announcement.machineSignature);
  writeTail(writer, announcement);
  if (agentPublicKey) writer.bytes(agentPublicKey);
  return writer.done();
}

/** Reads both forms; who signed is not asked. Throws `ANNOUNCEMENT_INVALID`. */
export function decodeAnnouncement(bytes: Uint8Array): IdentityAnnouncement {
  if (bytes.length > MAX_ANNOUNCEMENT_BYTES) throw new X0xError('ANNOUNCEMENT_INVALID', { field: 'length' });
  try {
    const marked = behindMarker(bytes, MARKER);
    return readAll(marked ?? bytes, (reader) => {
      const head = readHead(reader);
      const machineSignature = reader.bytes();
      const tail = readTail(reader);
      const agentPublicKey = marked ? reader.bytes() : head.certificate?.agentPublicKey;
      return { ...head, machineSignature, ...tail, agentPublicKey };
    });
  } catch (cause) {
    throw new X0xError('ANNOUNCEMENT_INVALID', { cause });
  }
}

/**
 * Ids, keys, signature, certificate and time of an announcement; `now` in seconds since 1970. Whether its sender is trusted is not asked.
 * Throws `ANNOUNCEMENT_INVALID:…` or `CERTIFICATE_INVALID…`.
 */
export function assertAnnouncement(announcement: IdentityAnnouncement, now: number): void {
  const { machineId, machinePublicKey, machineSignature, agentId, agentPublicKey, announcedAt } =
    announcement;
  const { userId, certificate } = announcement;
  const forged = () => new X0xError('ANNOUNCEMENT_INVALID:SIGNATURE');
  if (machinePublicKey.length !== 1952 || idOf(machinePublicKey) !== machineId) throw forged();
  if (agentPublicKey && (agentPublicKey.length !== 1952 || idOf(agentPublicKey) !== agentId)) throw forged();
  if (!verifySignature(machinePublicKey, signedBytesOf(announcement), machineSignature)) throw forged();
  if (announcedAt > now + ANNOUNCEMENT_SKEW_S) throw new X0xError('ANNOUNCEMENT_INVALID:FUTURE');
  if (announcedAt < now - ANNOUNCEMENT_TTL_S) throw new X0xError('ANNOUNCEMENT_INVALID:STALE');
  if ((userId === undefined) !== (certificate === undefined)) throw new X0xError('CERTIFICATE_INVALID');
  if (certificate && userId) assertCertificate(certificate, { now, agentId, userId });
}

type Head = Pick<
  IdentityAnnouncement,
  'agentId' | 'machineId' | 'userId' | 'certificate' | 'machinePublicKey'
>;
type Tail = Omit<IdentityAnnouncement, keyof Head | 'machineSignature' | 'agentPublicKey'>;

function writeHead(writer: BincodeWriter, head: Head): void {
  writer
    .raw(hexToBytes(head.agentId))
    .raw(hexToBytes(head.machineId))
    .option(head.userId, (id) => writer.raw(hexToBytes(id)))
    .option(head.certificate, (certificate) => writeCertificate(writer, certificate))
    .bytes(head.machinePublicKey);
}

const readHead = (reader: BincodeReader): Head => ({
  agentId: bytesToHex(reader.raw(32)),
  machineId: bytesToHex(reader.raw(32)),
  userId: reader.option(() => bytesToHex(reader.raw(32))),
  certificate: reader.option(() => readCertificate(reader)),
  machinePublicKey: reader.bytes(),
});

function writeTail(writer: BincodeWriter, tail: Tail): void {
  const flag = (value: boolean | undefined) => writer.option(value, (is) => writer.bool(is));
  const ids = (values: readonly X0xId[]) => writer.list(values, (id) => writer.raw(hexToBytes(id)));
  writer.list(tail.addresses, (address) => writeAddress(writer, address)).u64(tail.announcedAt);
  writer.option(tail.natType, (text) => writer.text(text));
  flag(tail.canReceiveDirect);
  flag(tail.isRelay);
  flag(tail.isCoordinator);
  ids(tail.reachableVia);
  ids(tail.relayCandidates);
}

function readTail(reader: BincodeReader): Tail {
  const flag = () => reader.option(() => reader.bool());
  const ids = () => reader.list(32, () => bytesToHex(reader.raw(32)));
  return {
    addresses: reader.list(10, () => readAddress(reader)),
    announcedAt: reader.u64(),
    natType: reader.option(() => reader.text()),
    canReceiveDirect: flag(),
    isRelay: flag(),
    isCoordinator: flag(),
    reachableVia: ids(),
    relayCandidates: ids(),
  };
}
