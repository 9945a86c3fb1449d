// Appends entries until it is killed, and prints the number of entries that are durable.
import { Identity } from '@private.me/xlink';
import { AuditLog } from '@private.me/xlink/audit';
import { told } from '../support/told.js';

const [, , folder] = process.argv;
const [identity, organization] = await Promise.all(
  [1, 2].map((n) => Identity.fromSeed(new Uint8Array(32).fill(n))),
);
const log = await AuditLog.open({
  folder: folder!,
  identity: identity!,
  organization: organization!,
  name: 'main',
  segmentBytes: 64 * 1024,
});
for (;;) {
  const seqs = await Promise.all(
    Array.from({ length: 5 }, () => log.append({ type: 'test', data: 'x'.repeat(500) })),
  );
  await told(seqs.at(-1)! + 1);
  if (Math.random() < 0.1) await log.checkpoint();
}
