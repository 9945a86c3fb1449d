/** Path of the route on which a caller opens a session, and the scope of envelopes for it. */
export const SESSION_PATH = '/.well-known/xlink/session';
export const SESSION_SCOPE = 'xlink:session';
/** What is behind that path on the route on which a caller signs what it sent in a session, and the scope of envelopes for it. */
export const CHECKPOINT_PATH = '/checkpoint';
export const CHECKPOINT_SCOPE = 'xlink:session-checkpoint';

/** Media type of the body of a request in a session. */
export const SESSION_TYPE = 'application/xlink-session';
/** What a request in a session carries in `Authorization`, as a scheme; the header where that is taken. */
export const SESSION_HEADER = 'xlink-session';

/**
 * Names the request of a session that a request takes the place of: sealed or signed like any header of the caller's, and
 * never shown to the application.
 */
export const SUPERSEDES_HEADER = 'xlink-supersedes';

/** What is in the query of the target at which an agent takes messages, where a sender opens a session with it. */
const OPENS = { name: 'xlink-session', value: 'open' };

/** Where a sender opens a session with an agent that takes messages at this address. */
export function sessionUrl(address: string): URL {
  const url = new URL(address);
  url.searchParams.append(OPENS.name, OPENS.value);
  return url;
}

/** Whether a session is opened by this request, where messages are taken. */
export const opensSession = ({
  method,
  target,
}: {
  readonly method: string;
  readonly target: string;
}): boolean =>
  target.includes(OPENS.name) &&
  method.toUpperCase() === 'POST' &&
  new URLSearchParams(target.split('?')[1]).getAll(OPENS.name).includes(OPENS.value);

/** Of an answer to a message: its receiver takes messages in sessions, too. */
export const SESSION_OFFER_HEADER = 'xlink-sessions';
