/** Bodies beside an envelope in a header: 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
/** An enrollment envelope with a version 3 key record takes some 8 KiB. */
export const MAX_INTRODUCTION_BYTES = 64 * 1024;
/** For refusals of small requests some 30 ms of CPU. */
export const DEFAULT_REFUSALS_PER_SECOND = 100;
export const DEFAULT_VALIDATOR_TIMEOUT_MS = 5000;
export const DEFAULT_MAX_DIDS_PER_CLIENT = 20;
/** With nonces that live for 6 minutes: more than 200 requests a second. */
export const DEFAULT_MAX_NONCES_PER_CLIENT = 100_000;
export const DEFAULT_ENROLLMENTS_PER_MINUTE = 10;
/** One day. */
export const DEFAULT_KEY_SWITCH_GRACE_MS = 86_400_000;
