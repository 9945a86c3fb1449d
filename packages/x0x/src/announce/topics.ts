/** What travels over a relay between daemons: the topics of x0x are scopes of messages here. */
export const TOPICS = {
  /** Announcements of identities. */
  announce: 'x0x.identity.announce.v2',
  /** Revocations. */
  revocation: 'x0x.revocation.v1',
  /** Direct messages. */
  direct: 'x0x.dm.v1',
} as const;

/** All of them: what a daemon may be sent, and sends. */
export const TOPIC_SCOPES: readonly string[] = Object.values(TOPICS);
