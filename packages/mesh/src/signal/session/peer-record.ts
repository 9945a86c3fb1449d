import { MeshError } from '../../errors/mesh-error.js';
import { equalBytes } from '../../util/bytes.js';
import type { RatchetState } from '../ratchet/state.js';
import type { Preamble } from './message.js';

/** One session with a peer. */
export interface SessionRecord {
  /** 16 bytes. */
  readonly session: Uint8Array;
  readonly ratchet: RatchetState;
  /** Sent along until the peer has answered. */
  readonly preamble?: Preamble;
  /** Whether the peer has sent a message in it that was opened. */
  readonly confirmed: boolean;
  readonly openedAt: number;
}

/** All sessions with a peer, the one that is sent in first. */
export interface PeerRecord {
  readonly sessions: readonly SessionRecord[];
}

/** Sessions that are kept: the older ones only for what is under way. */
const MAX_SESSIONS = 5;

export const findSession = (record: PeerRecord | undefined, session: Uint8Array): SessionRecord | undefined =>
  record?.sessions.find((one) => equalBytes(one.session, session));

/** The session that is sent in. Throws `SIGNAL_UNKNOWN_SESSION`. */
export function activeSession(record: PeerRecord | undefined): SessionRecord {
  const first = record?.sessions[0];
  if (!first) throw new MeshError('SIGNAL_UNKNOWN_SESSION');
  return first;
}

/** With this one in the place of the one of the same name. */
export const withSession = (record: PeerRecord, changed: SessionRecord): PeerRecord => ({
  sessions: record.sessions.map((one) => (equalBytes(one.session, changed.session) ? changed : one)),
});

/** With a new one, which is sent in from now on. */
export const withActive = (record: PeerRecord | undefined, session: SessionRecord): PeerRecord => ({
  sessions: [session, ...(record?.sessions ?? [])].slice(0, MAX_SESSIONS),
});

/**
 * With a session that the peer began. If both began at the same time, before either had an answer, both go on with the one whose name
 * is smaller.
 */
export function withBegunByPeer(record: PeerRecord | undefined, session: SessionRecord): PeerRecord {
  const own = record?.sessions[0];
  const isTie = own?.preamble !== undefined && !own.confirmed;
  if (!isTie || Buffer.compare(session.session, own.session) < 0) return withActive(record, session);
  const [first, ...rest] = record!.sessions;
  return { sessions: [first!, session, ...rest].slice(0, MAX_SESSIONS) };
}
