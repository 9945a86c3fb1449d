/** Media type of an envelope in a body. */
export const ENVELOPE_TYPE = 'application/xlink-envelope';
