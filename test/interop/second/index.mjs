export * from './bytes.mjs';
export * from './envelope.mjs';
export * from './http.mjs';
export * from './identity.mjs';
export * from './peer.mjs';
export * from './record.mjs';
export * from './service.mjs';
export * from './shares.mjs';
