// What an audit log costs: per entry, with everything made durable, and what it takes to verify one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity } from '@private.me/xlink';
import { AuditLog, AuditLogReader } from '@private.me/xlink/audit';

const DID = 'did:key:z6MkfyfSEgSdEgacmyokTQ1t8fv5EVn7LEW4EDV9Lbcx9LBg';
/** Entries under way at a time: they share the waits for the disk. */
const WIDTH = 4096;

const entryOf = (number) => ({
  type: 'request',
  from: DID,
  to: DID,
  scope: 'orders',
  request: `GET /orders/${number}`,
  envelopeId: 'AAAAAAAAAAAAAAAAAAAAAA',
  evidence: 'signed',
  decision: 'accepted',
  reason: 'ok',
});

/** @param {number} entries 1,000,000 in a full run */
export async function benchAudit(entries) {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-bench-audit-'));
  const [identity, organization] = [(await generateIdentity()).value, (await generateIdentity()).value];
  try {
    const options = { folder, identity, organization, maxPending: WIDTH };
    const log = await AuditLog.open(options);
    await Promise.all(Array.from({ length: 1024 }, (_, number) => log.append(entryOf(number)))); // warm
    const writing = await timed(async () => {
      for (let at = 1024; at < entries; at += WIDTH)
        await Promise.all(
          Array.from({ length: Math.min(WIDTH, entries - at) }, (_, number) =>
            log.append(entryOf(at + number)),
          ),
        );
    });
    const verifying = await timed(async () => {
      const verdict = await log.verify();
      if (!verdict.ok || verdict.size !== entries) throw new Error('the log is bad');
    });
    const { ms: signing } = await timed(() => log.checkpoint());
    const { ms: proving } = await timed(() => log.prove(entries >> 1));
    await log.close();
    const offline = await timed(async () => {
      const reader = await AuditLogReader.open({ folder, service: identity.did });
      if (!(await reader.verify()).ok) throw new Error('the log is bad');
    });
    return [
      `${entries.toLocaleString('en')} entries with what proves the caller left out; each is sealed, chained, a leaf of the tree, and durable`,
      `   append, ${WIDTH} under way        ${eachOf(writing, entries - 1024)}`,
      `   verify all, with the chain       ${(verifying.ms / 1000).toFixed(1)} s, ${eachOf(verifying, entries)}`,
      `   verify all, by the checkpoint    ${(offline.ms / 1000).toFixed(1)} s, ${eachOf(offline, entries)}`,
      `   checkpoint, and the new tiles    ${signing.toFixed(0)} ms`,
      `   prove one                        ${proving.toFixed(2)} ms`,
    ].join('\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}

const eachOf = ({ ms, cpu }, entries) =>
  `${((ms * 1000) / entries).toFixed(1)} us an entry (CPU ${(cpu / entries).toFixed(1)} us)`;

/** By the clock, in ms, and of the processors, in us. */
async function timed(work) {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - started, cpu: user + system };
}
