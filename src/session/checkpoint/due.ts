import { xlinkError } from '../../errors/service-errors.js';
import type { OpenSession, SessionRules } from '../sessions.js';

/**
 * Throws `SESSION_CHECKPOINT_REQUIRED` for a request of a session of which too much is not signed: told by the ticket, so that any instance can.
 * And `SESSION_SEQUENCE_INVALID` for a number that is behind the checkpoint of its ticket.
 */
export function assertInSigned(
  { checkpoints, clock }: Pick<SessionRules, 'checkpoints' | 'clock'>,
  { mark: { next, at } }: Pick<OpenSession, 'mark'>,
  seq: number,
): void {
  if (!checkpoints) return;
  const { requests, seconds } = checkpoints.limits;
  if (seq < next) throw xlinkError('SESSION_SEQUENCE_INVALID', { field: 'seq' });
  if (seq - next >= requests - 1 || clock() - at > seconds * 1000)
    throw xlinkError('SESSION_CHECKPOINT_REQUIRED');
}
