// Codes are known to the compiler, so a typo in a comparison does not compile. Compiled and never run.
import {
  type Agent,
  type ErrorCode,
  type ErrorDetail,
  type ErrorId,
  type ErrorSubCode,
  isXlinkError,
  XlinkAgentError,
  type XlinkError,
} from '@private.me/xlink';
import type { Equal, Expect } from './expect.js';

declare const error: XlinkError;
declare const agent: Agent;
declare const bytes: Uint8Array;

type _Code = Expect<Equal<XlinkError['code'], ErrorCode>>;
type _SubCode = Expect<Equal<XlinkError['subCode'], ErrorSubCode | undefined>>;
type _Id = Expect<Equal<XlinkError['id'], ErrorId>>;
type _Detail = Expect<Equal<ErrorDetail['code'], ErrorCode>>;

const codes: ErrorCode[] = ['REPLAY_DETECTED', 'DECRYPT_FAILED', 'INTERNAL'];
const subCodes: ErrorSubCode[] = ['FUTURE', 'PQ_SIGNATURE_MISMATCH'];
// @ts-expect-error the id is DECRYPT_FAILED:PARSE, the code what stands before the colon
const id: ErrorCode = 'DECRYPT_FAILED:PARSE';
// @ts-expect-error DECRYPT_FAILED alone is no row of the table
const code: ErrorId = 'DECRYPT_FAILED';
void [codes, subCodes, id, code];

// @ts-expect-error a typo
void (error.code === 'REPLAY_DETECTD');
// @ts-expect-error a typo
void (error.subCode === 'FUTUR');
// @ts-expect-error a typo
void (error.id === 'TIMESTAMP_EXPIRED:FUTUR');

/** A comparison narrows, so that a switch may end without a default. */
function retryLater(failed: XlinkError): boolean | undefined {
  if (failed.code !== 'REPLAY_DETECTED' && failed.code !== 'NONCE_STORE_UNAVAILABLE') return undefined;
  switch (failed.code) {
    case 'REPLAY_DETECTED':
      return false;
    case 'NONCE_STORE_UNAVAILABLE':
      return failed.subCode !== 'COLD_START';
    default:
      return failed.code satisfies never;
  }
}
void retryLater;

const received = await agent.receive(bytes);
if (!received.ok && received.error.code === 'SCOPE_DENIED') void received.error.hint;
// @ts-expect-error a typo
if (received.error?.code === 'SCOPE_DENID') void received;

try {
  await agent.send({ to: agent.did, payload: 1, scope: 'chat' });
} catch (thrown) {
  if (isXlinkError(thrown) && thrown.code === 'INVALID_OPTION') void thrown.field;
  // @ts-expect-error a typo
  if (thrown instanceof XlinkAgentError && thrown.code === 'INVALID_OPTIONS') void thrown;
}
