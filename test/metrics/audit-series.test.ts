import { expect, test } from '@jest/globals';
import { XlinkError } from '@private.me/xlink';
import { METRICS } from '@private.me/xlink/metrics';
import { linesOf, observed } from './support.js';

test('entries of the audit log that could not be kept are counted, and no other fault', async () => {
  const { register, observe } = observed();
  const { name } = METRICS.auditFaults;
  observe({ type: 'fault', error: new XlinkError('NONCE_STORE_UNAVAILABLE') });
  expect(await linesOf(register, name)).toEqual([]);
  const event = { type: 'fault', error: new XlinkError('AUDIT_UNAVAILABLE') } as const;
  observe(event);
  observe({ ...event });
  expect(await linesOf(register, name)).toEqual(['{reason="AUDIT_UNAVAILABLE"} 2']);
});
