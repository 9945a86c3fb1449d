export type { Comparison, Difference, NotMirroredCounts } from './bridge/comparison.js';
export type { BridgeEvent, BridgeObserver, NotMirrored, Side } from './bridge/events.js';
export { type BridgeHandlerOptions, bridgeHandler } from './bridge/handler.js';
export type {
  BudgetOptions,
  CompareOptions,
  LegacySide,
  ModernSide,
  XfuseOptions,
} from './bridge/options.js';
export type { BridgeCall, BridgeRequestInit } from './bridge/request.js';
export type { SendRequest, SendResult } from './bridge/send.js';
export {
  formatShadowReport,
  type ReportedChange,
  type ReportedRoute,
  type ShadowReport,
} from './bridge/shadow-report.js';
export { type BridgeStatus, formatBridgeRow, type StepBack } from './bridge/status.js';
export { type TrafficRatio, Xfuse } from './bridge/xfuse.js';
export {
  isXfuseError,
  XFUSE_ERROR_TABLE,
  XfuseError,
  type XfuseErrorCategory,
  type XfuseErrorId,
  type XfuseErrorOptions,
  type XfuseErrorRow,
} from './errors.js';
export { FileFusionStore } from './fusion/file-store.js';
export * from './fusion.js';
export { deviceKeyFile, type KeySealing } from './signals/key-file.js';
