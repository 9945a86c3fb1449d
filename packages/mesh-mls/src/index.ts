// MLS groups (RFC 9420) of xLink agents.
export { MlsClient } from './client.js';
export type { Invitation, MlsClientOptions } from './client-options.js';
export type { DidFetch } from './delivery/client.js';
export {
  GROUP_ERROR_TABLE,
  GroupError,
  type GroupErrorCategory,
  type GroupErrorId,
  type GroupErrorOptions,
  type GroupErrorRow,
  isGroupError,
} from './errors.js';
export type { MlsEvent, MlsObserver } from './events.js';
export { MlsGroup } from './group/group.js';
export type { GroupMessage, GroupMessageListener } from './group/inbox.js';
export {
  type MlsChannel,
  type MlsChannelListener,
  type MlsCloseInfo,
  MlsProvider,
  type MlsReach,
  type MlsSender,
  type MlsTarget,
} from './provider.js';
export type { GroupStateStore, StateDocument } from './state/store.js';
export { DEFAULT_SUITE, isPostQuantum, MLS_SUITES, type MlsSuite } from './suites.js';
export { CryptoWorker } from './worker/worker.js';
