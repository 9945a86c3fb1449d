// What tests over HTTP share, whichever framework the API is made with.
export * from './keys.js';
export * from './listen.js';
export * from './requests.js';
export * from './responses.js';
export * from './service.js';
export * from './wire.js';
