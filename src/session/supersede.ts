import { checkTimestamp } from '../checks/timestamp.js';
import { xlinkError } from '../errors/service-errors.js';
import { SUPERSEDES_HEADER } from '../http/session-headers.js';
import { type Claimant, claim } from './receive.js';
import type { Sessions } from './sessions.js';
import { readSuperseded } from './superseded.js';

/**
 * Claims the number of a request in a session, so that a request that takes its place may be carried out, and it no longer. Throws
 * `REPLAY_DETECTED` if it was received, or could have been forgotten by now; `SESSION_MALFORMED` for another text.
 */
export async function supersede(sessions: Sessions, claimant: Claimant, text: string): Promise<void> {
  const superseded = readSuperseded(text);
  if (!superseded) throw xlinkError('SESSION_MALFORMED', { field: SUPERSEDES_HEADER });
  const context = await sessions.context();
  try {
    checkTimestamp(superseded.timestamp, context.clock(), context.timestampWindowMs);
  } catch (cause) {
    throw xlinkError('REPLAY_DETECTED', { field: SUPERSEDES_HEADER, cause });
  }
  await claim(context, sessions.rules.sequences, { ...superseded, ...claimant });
}
