import type { Deadline } from '../../util/deadline.js';

/** A value in Redis, and the id of the stream item that holds it: its version. */
export interface VersionedValue {
  readonly id: string;
  readonly json: string;
}

/** The part of a `RedisConnection` that is used here. */
interface Connection {
  call(
    key: string,
    command: readonly [name: 'XADD' | 'XREVRANGE', ...args: string[]],
    deadline?: Deadline,
  ): Promise<unknown>;
}

/** Member of a stream item that holds the value. */
const FIELD = 'entry';

/** The value of a key, which is a stream of one item; `undefined` if there is none. */
export async function readVersioned(
  connection: Connection,
  key: string,
  deadline?: Deadline,
): Promise<VersionedValue | undefined> {
  const reply = await connection.call(key, ['XREVRANGE', key, '+', '-', 'COUNT', '1'], deadline);
  const [item] = reply as [[unknown, unknown[]]?];
  if (!item) return undefined;
  const [id, [field, json]] = item;
  if (field === FIELD && typeof id === 'string' && typeof json === 'string') return { id, json };
  throw new Error('Redis gave something else than an entry: another program may use the key.');
}

/** Replaces the value. Rejects, and nothing changes, unless the id is above that of any the key ever had. */
export async function writeVersioned(
  connection: Connection,
  key: string,
  { id, json }: VersionedValue,
  deadline?: Deadline,
): Promise<void> {
  await connection.call(key, ['XADD', key, 'MAXLEN', '=', '1', id, FIELD, json], deadline);
}
