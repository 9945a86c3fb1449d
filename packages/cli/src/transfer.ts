import {
  type Transfer,
  type TransferReport,
  transferClients,
  transferMode,
  transferOperations,
  transferRegistry,
} from '@private.me/xlink';
import { type Opened, openStore } from './open-store.js';
import { show } from './options.js';
import { parsed } from './parsed.js';
import { type Command, UsageError } from './run.js';

/** The parts of a service’s state, and how each is copied. */
const PARTS: Readonly<Record<string, (way: Transfer<never>) => Promise<TransferReport>>> = {
  registry: transferRegistry,
  clients: transferClients,
  mode: transferMode,
  operations: transferOperations,
};

const help = `Usage: xlink transfer <part> --from STORE --to STORE

Copies what a service keeps from one store to another, and reads it back: count and digest must agree. Nothing that is
there is overwritten. Stop the service first; the store that is read stays as it is.

  <part>                   ${Object.keys(PARTS).join(', ')}
  --from STORE             file:PATH of a file that is there, such as file:state/registry.jsonl,
                           postgres://… or redis://…; the table or key prefix after #, if it is not the default
  --to STORE               the same
  --json                   data as one line of JSON

Passwords in a URL can be seen by other users of the machine: leave them out, and set PGPASSWORD or REDIS_PASSWORD.
For PostgreSQL install pg, for Redis ioredis.`;

/** `xlink transfer`. */
export const transferCommand: Command = {
  summary: 'copy registry, clients, mode or operations from one store to another',
  help,
  async run(args, output) {
    const { values, positionals } = parsed({
      args: [...args],
      options: { from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' } },
      allowPositionals: true,
    });
    const [part = '', ...more] = positionals;
    const copy = Object.hasOwn(PARTS, part) ? PARTS[part] : undefined;
    if (!copy || more.length > 0) throw new UsageError(`name one part: ${Object.keys(PARTS).join(', ')}`);
    const { from, to } = values;
    if (from === undefined || to === undefined) throw new UsageError('--from and --to are required');
    const opened: Opened[] = [];
    try {
      opened.push(await openStore(part, from, { isRead: true }));
      opened.push(await openStore(part, to));
      const way = { from: opened[0]!.store, to: opened[1]!.store } as Transfer<never>;
      const { count, written, digest } = await copy(way);
      const lines = [
        `${part}: ${count} read, ${written} written, ${count - written} were there`,
        `digest of both ${digest}`,
        ...(count === 0 ? ['there is nothing at --from: is it the place that the service writes to?'] : []),
      ];
      show(output, values, { part, read: count, written, digest }, lines);
      return 0;
    } finally {
      for (const { close } of opened) await close();
    }
  },
};
