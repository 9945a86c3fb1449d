// Its own front: who wants no DIDs for each resource and epoch needs no peer for them.
export { ephemeralFor } from './xid/ephemeral-for.js';
