import { openStore } from '../open-store.js';
import { placesOf, type StoreValues } from '../operate/stores.js';
import { type Finding, fail, ok } from './finding.js';

/** Opens each store that was named, and reads from it. */
export async function stores(values: StoreValues): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [part, place] of Object.entries(placesOf(values))) findings.push(await look(part, place));
  return findings;
}

const READS: Readonly<Record<string, (store: never) => unknown>> = {
  registry: (store: { list(): unknown }) => store.list(),
  clients: (store: { list(): unknown }) => store.list(),
  mode: (store: { load(): unknown }) => store.load(),
  operations: (store: { list(kind: string): unknown }) => store.list('invitation'),
};

async function look(part: string, place: string): Promise<Finding> {
  const check = `store ${part}`;
  const shown = place.replace(/(\/\/[^/@:]*):[^/@]*@/, '$1@');
  try {
    const { store, close } = await openStore(part, place, { isRead: true });
    try {
      const read = await READS[part]!(store as never);
      return ok(check, `${shown}: ${Array.isArray(read) ? `${read.length} entries` : 'can be read'}`);
    } finally {
      await close();
    }
  } catch (error) {
    const { cause, message } = error as Error;
    const deep = (cause as Error | undefined)?.message;
    return fail(
      check,
      `${shown}: ${message}${deep ? ` (${deep})` : ''}`,
      remedyOf(`${message} ${deep ?? ''}`),
    );
  }
}

function remedyOf(text: string): string {
  if (/npm install/.test(text)) return 'Install the driver that is named.';
  if (/another process|locked|in use/i.test(text))
    return 'A store of files belongs to one process at a time: stop it, or use a database.';
  if (/ECONNREFUSED|ENOTFOUND|ETIMEDOUT/.test(text))
    return 'Is the database running, and is the address right?';
  if (/password|auth/i.test(text)) return 'Set PGPASSWORD or REDIS_PASSWORD.';
  return 'Look at the place that is named; restore it from a backup if it is damaged.';
}
