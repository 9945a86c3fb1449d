/** Rules of one policy. Each request is judged by all of them. */
export const MAX_RULES = 1000;

/** Scopes, DIDs, clients, routes and methods of all rules together. */
export const MAX_VALUES = 10_000;

/** Of a policy that is read as text. */
export const MAX_POLICY_BYTES = 1024 * 1024;

/** Characters of one route. */
export const MAX_ROUTE_LENGTH = 1024;

/** How deep a policy may be nested; it needs 4. */
export const MAX_DEPTH = 16;
