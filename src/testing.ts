// For tests of an API: its clients, signed, without keys and servers. Nothing of the package imports it.
export {
  type EnrolledClient,
  type EnrolledClientOptions,
  enrolledClient,
} from './testing/enrolled-client.js';
export { type FrozenClock, frozenClock } from './testing/frozen-clock.js';
export {
  type AnswerLike,
  refusalOf,
  type SeenRefusal,
  type XlinkMatchers,
  xlinkMatchers,
} from './testing/matchers.js';
export { MemoryModeStore, type MemoryStores, memoryStores } from './testing/memory-stores.js';
export type { PlainRequest, WireRequest } from './testing/request-forms.js';
export {
  type InjectAnswer,
  type SignAsOptions,
  SignedCaller,
  type SignedRequestOptions,
  type SignedRequests,
  signedRequest,
} from './testing/signed-request.js';
export type { RequestForm } from './testing/signing.js';
export type { TestedApp } from './testing/tested-app.js';
export type { Supertest, SupertestAnswer, SupertestRequest } from './testing/through-supertest.js';
