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
