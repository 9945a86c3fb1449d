import type { XlinkEvent } from '../types/events.js';

/** How loud a line is; the names of the logger's methods. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** How a line about an event looks. */
export interface Line {
  readonly level: Level;
  readonly message: string;
  /** What lines are told apart by when they become too many; absent: they are never too many. */
  readonly kind?: string;
}

type Members<T> = readonly (keyof T & string)[];
type EventOf<T extends XlinkEvent['type']> = Extract<XlinkEvent, { type: T }>;

/** The members that are written, by name: what else an event may carry one day is not logged until it is added here. */
export const LOGGED_MEMBERS: { readonly [T in XlinkEvent['type']]: Members<EventOf<T>> } = {
  open: ['number', 'mode', 'method', 'outcome', 'reason', 'form', 'version', 'encrypted', 'did', 'client'],
  request: [
    'mode',
    'method',
    'outcome',
    'reason',
    'form',
    'offered',
    'version',
    'encrypted',
    'did',
    'client',
    'status',
    'aborted',
    'route',
    'opened',
    'durationMs',
    'traceId',
  ],
  observed: ['reason', 'version'],
  mode: ['from', 'to', 'since', 'route', 'client', 'reason', 'by', 'sunset'],
  advice: ['mode', 'next', 'direction', 'ready', 'blockers', 'clients'],
  enrollment: ['client', 'did'],
  'key-switch': ['client', 'off'],
  'client-revocation': ['client', 'revoked', 'dids', 'reason'],
  unlink: ['client', 'did', 'by'],
  operation: ['operation', 'target', 'by', 'why'],
  fault: ['traceId'],
  warning: ['code', 'message'],
  downgrade: ['client', 'refused'],
  'key-epoch': ['keyEpoch', 'since', 'rotatesAt'],
  session: ['did', 'client', 'version', 'notAfter'],
  'session-refusal': ['reason', 'did', 'client'],
  'session-checkpoint': ['did', 'client', 'session', 'outcome', 'reason', 'requests', 'compared'],
  policy: ['outcome', 'mode', 'revision', 'digest', 'rules', 'reason', 'field', 'by', 'why'],
  'policy-decision': ['outcome', 'reason', 'rule', 'revision', 'did', 'client'],
};

/** Level, message and kind of the line about an event. Messages hold fixed words and ids of errors only. */
export function lineOf(event: XlinkEvent): Line {
  switch (event.type) {
    case 'open':
      return { level: 'debug', message: 'xlink: request open' };
    case 'request': {
      const { outcome, reason, status } = event;
      if (outcome === 'accepted') return { level: 'debug', message: 'xlink: request accepted' };
      const level = status >= 500 ? 'error' : 'info';
      return { level, message: `xlink: request refused, ${reason}`, kind: `request ${reason}` };
    }
    case 'observed': {
      const { reason } = event;
      const level = reason === 'ok' ? 'debug' : 'info';
      return { level, message: `xlink: envelope observed, ${reason}`, kind: `observed ${reason}` };
    }
    case 'fault': {
      const { id } = event.error;
      return { level: 'error', message: `xlink: fault, ${id}`, kind: `fault ${id}` };
    }
    case 'warning':
      return { level: 'warn', message: `xlink: warning, ${event.code}` };
    case 'downgrade':
      return { level: 'warn', message: 'xlink: client used its key again', kind: 'downgrade' };
    case 'mode':
      return { level: 'info', message: `xlink: mode is ${event.to}` };
    case 'advice':
      return { level: 'info', message: 'xlink: advice of the migration plan' };
    case 'enrollment':
      return { level: 'info', message: 'xlink: identity enrolled', kind: 'enrollment' };
    case 'key-switch':
      return { level: 'info', message: 'xlink: client switched its key', kind: 'key-switch' };
    case 'key-epoch':
      return { level: 'info', message: 'xlink: encryption keys are of a new epoch' };
    case 'session':
      return { level: 'debug', message: 'xlink: session opened' };
    case 'session-refusal': // its request event is the louder one
      return { level: 'debug', message: `xlink: session refused, ${event.reason}` };
    case 'session-checkpoint': {
      const { outcome, reason } = event;
      if (outcome === 'accepted') return { level: 'debug', message: 'xlink: session checkpoint' };
      const message = `xlink: session checkpoint refused, ${reason}`;
      return { level: 'warn', message, kind: `session-checkpoint ${reason}` };
    }
    case 'policy':
      return event.outcome === 'refused'
        ? { level: 'warn', message: 'xlink: change of the policy refused' }
        : { level: 'info', message: 'xlink: policy in force' };
    case 'policy-decision': {
      const { outcome, reason } = event;
      const does = outcome === 'refused' ? 'refused' : 'would refuse';
      return {
        level: 'info',
        message: `xlink: policy ${does}, ${reason}`,
        kind: `policy ${outcome} ${reason}`,
      };
    }
    case 'client-revocation':
      return { level: 'warn', message: `xlink: client ${event.revoked ? 'revoked' : 'restored'}` };
    case 'unlink':
      return { level: 'info', message: 'xlink: identity unlinked from its client', kind: 'unlink' };
    case 'operation':
      return { level: 'info', message: `xlink: operation, ${event.operation}` };
  }
}
