// Appends entries to a log in PostgreSQL: as many as it is told to, or until it is killed. Prints the numbers that are durable.
import { Identity } from '@private.me/xlink';
import { PostgresAuditLog } from '@private.me/xlink/postgres';
import pg from 'pg';

async function main(port: number, writer: string, count: number): Promise<void> {
  const [identity, organization] = await Promise.all(
    [1, 2].map((n) => Identity.fromSeed(new Uint8Array(32).fill(n))),
  );
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 3 });
  const log = await PostgresAuditLog.open({
    pool,
    identity: identity!,
    organization: organization!,
    timeoutMs: 60_000,
  });
  for (let done = 0; done < count; done += 10) {
    const entries = Array.from({ length: 10 }, (_, i) => ({ type: 'test', data: { writer, n: done + i } }));
    const seqs = await Promise.all(entries.map((entry) => log.append(entry)));
    process.stdout.write(`${seqs.join(' ')}\n`);
    if (done % 100 === 0) await log.checkpoint();
  }
  await log.close();
  await pool.end();
}

const [, , port, writer, count] = process.argv;
void main(Number(port), writer!, Number(count));
