import { concat, lengthPrefixed } from '../../crypto/bytes.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { Awaitable } from '../../util/awaitable.js';
import { expand } from '../schedule/expand.js';
import {
  decodeState,
  encodeState,
  KEY_ID_BYTES,
  TICKET_HEAD_BYTES,
  TICKET_SALT_BYTES,
  type TicketState,
} from './layout.js';

/** A key that tickets are sealed under. */
export interface TicketKey {
  /** 8 bytes. */
  readonly id: Uint8Array;
  readonly hmac: Hmac;
}

const LABEL = 'xlink/1 session ticket';
/** Each ticket has a key of its own, so its IV is always the same. */
const ZERO_IV = new Uint8Array(12);

export async function ticketKey(crypto: CryptoProvider, secret: Uint8Array): Promise<TicketKey> {
  const id = await crypto.sha256(lengthPrefixed(['xlink/1 session ticket key id', secret]));
  return { id: id.slice(0, KEY_ID_BYTES), hmac: crypto.hmac(secret) };
}

/** The id of the key that a ticket is sealed under. */
export const keyIdOf = (ticket: Uint8Array): Uint8Array => ticket.subarray(0, KEY_ID_BYTES);

/** What the caller keeps of a session on behalf of the service, which keeps nothing. */
export async function sealTicket(
  crypto: CryptoProvider,
  key: TicketKey,
  state: TicketState,
): Promise<Uint8Array> {
  const head = concat([key.id, crypto.randomBytes(TICKET_SALT_BYTES)]);
  const secret = await secretOf(key, head);
  const plaintext = encodeState(state);
  const sealed = await crypto.aes256gcm.seal(secret, ZERO_IV, lengthPrefixed([LABEL, head]), plaintext);
  plaintext.fill(0);
  return concat([head, sealed]);
}

/** Throws `SESSION_UNKNOWN:FORGED` for what was not sealed under this key. */
export async function openTicket(
  crypto: CryptoProvider,
  key: TicketKey,
  ticket: Uint8Array,
): Promise<TicketState> {
  const head = ticket.subarray(0, TICKET_HEAD_BYTES);
  const secret = await secretOf(key, head);
  const aad = lengthPrefixed([LABEL, head]);
  const bytes = await crypto.aes256gcm.open(secret, ZERO_IV, aad, ticket.subarray(TICKET_HEAD_BYTES));
  const state = bytes && decodeState(bytes);
  if (!state) throw xlinkError('SESSION_UNKNOWN:FORGED', { field: 'ticket' });
  return state;
}

const secretOf = ({ hmac }: TicketKey, head: Uint8Array): Awaitable<Uint8Array> =>
  expand(hmac, lengthPrefixed(['xlink/1 session ticket key', head]), 1);
