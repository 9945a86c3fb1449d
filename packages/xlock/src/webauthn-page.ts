// For pages: no part of it needs a module of Node.
export { type AskAuthenticator, answerCredentials, type PrfRequest, prfOf } from './webauthn/page.js';
export { openWithPrf, PRF_INPUT, PrfBackend, type PrfBackendOptions, sealWithPrf } from './webauthn/prf.js';
