import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import { bytesOfHex } from '../util/hex.js';
import { BincodeWriter } from './bincode.js';

const LABEL = utf8ToBytes('x0x-agent-card-v1');

/** How direct messages reach an agent of x0x. Members are spelled as in its JSON. */
export interface DmCapabilities {
  /** Of direct messages of x0x. */
  readonly max_protocol_version: number;
  /** Whether it takes them over gossip; `false` for agents of this package. */
  readonly gossip_inbox: boolean;
  /** `ML-KEM-768`. */
  readonly kem_algorithm: string;
  /** Bytes. */
  readonly max_envelope_bytes: number;
  /** ML-KEM-768, 1184 bytes; empty if there is none. */
  readonly kem_public_key: readonly number[];
}

/** What an agent shares of itself. Members are spelled as in the JSON of the link; ids and keys are hex. */
export interface AgentCard {
  /** A name for people; not verified. */
  readonly display_name: string;
  /** The agent. */
  readonly agent_id: X0xId;
  /** The machine that it ran on when the card was made. */
  readonly machine_id: X0xId;
  /** The human behind it, as the agent says: a card is no proof of that. */
  readonly user_id?: X0xId | undefined;
  /** `IP:port` for x0x; a `did:key` for xLink, which x0x passes over. */
  readonly addresses: readonly string[];
  /** Of x0x, with links that invite to them. */
  readonly groups: readonly { readonly name: string; readonly invite_link: string }[];
  /** Of x0x, with the topics they are on. */
  readonly stores: readonly { readonly name: string; readonly topic: string }[];
  /** Seconds since 1970. */
  readonly created_at: number;
  /** Absent from cards of builds before 0.18 of x0x. */
  readonly dm_capabilities?: DmCapabilities | undefined;
  /** ML-DSA-65, 3904 hex digits; present in signed cards. */
  readonly agent_public_key?: string | undefined;
  /** By the agent, 6618 hex digits; present in signed cards. */
  readonly signature?: string | undefined;
  /** What xLink needs beside it and x0x passes over; not covered by the signature, and verified by itself. */
  readonly xlink?: unknown;
}

/** What the agent signs: all but the signature and `xlink`. */
export function signedBytesOfCard(card: AgentCard): Uint8Array {
  const writer = new BincodeWriter().raw(LABEL);
  const bytes = (value: Uint8Array) => writer.u32(value.length).raw(value);
  const text = (value: string) => bytes(utf8ToBytes(value));
  const list = <T>(values: readonly T[], write: (value: T) => void) => {
    writer.u32(values.length);
    for (const value of values) write(value);
  };
  text(card.display_name);
  text(card.agent_id);
  text(card.machine_id);
  text(card.user_id ?? '');
  list(card.addresses, text);
  list(card.groups, ({ name, invite_link }) => {
    text(name);
    text(invite_link);
  });
  list(card.stores, ({ name, topic }) => {
    text(name);
    text(topic);
  });
  writer.u64(card.created_at);
  bytes(encodedCapabilities(card.dm_capabilities));
  text(card.agent_public_key ?? '');
  return writer.done();
}

function encodedCapabilities(capabilities: DmCapabilities | undefined): Uint8Array {
  const writer = new BincodeWriter();
  return writer
    .option(capabilities, (known) =>
      writer
        .u16(known.max_protocol_version)
        .bool(known.gossip_inbox)
        .text(known.kem_algorithm)
        .u64(known.max_envelope_bytes)
        .bytes(Uint8Array.from(known.kem_public_key)),
    )
    .done();
}

/** Signs a card. Throws `CARD_INVALID` if it is that of another agent. */
export function signCard(agent: X0xKeyPair, card: AgentCard): AgentCard {
  if (card.agent_id !== agent.id) throw new X0xError('CARD_INVALID', { field: 'agent_id' });
  const { signature: _, ...body } = { ...card, agent_public_key: bytesToHex(agent.publicKey) };
  return { ...body, signature: bytesToHex(agent.sign(signedBytesOfCard(body))) };
}

/** Throws `CARD_INVALID:UNSIGNED` or `CARD_INVALID:SIGNATURE` unless the agent of the card has signed it. */
export function assertCardSignature(card: AgentCard): void {
  if (card.signature === undefined && card.agent_public_key === undefined)
    throw new X0xError('CARD_INVALID:UNSIGNED');
  const publicKey = bytesOfHex(card.agent_public_key, 1952);
  const signature = bytesOfHex(card.signature, 3309);
  const isGood =
    publicKey &&
    signature &&
    idOf(publicKey) === card.agent_id &&
    verifySignature(publicKey, signedBytesOfCard(card), signature);
  if (!isGood) throw new X0xError('CARD_INVALID:SIGNATURE');
}
