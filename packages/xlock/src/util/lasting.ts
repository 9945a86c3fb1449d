import { invalidOption } from './options.js';

/** Throws `INVALID_OPTION` in production (`NODE_ENV`) for an option whose default forgets everything when the process ends. */
export function assertLasting(owner: string, name: 'store' | 'identity', value: unknown): void {
  if (value !== undefined || process.env['NODE_ENV'] !== 'production') return;
  const hint =
    name === 'store'
      ? 'pass a store in production, such as RedisOperationsStore of @private.me/xlink/redis or FileOperationsStore of @private.me/xlink/file: memory forgets, and is of one process.'
      : 'pass the identity of the service in production: devices take challenges of no other, so that after a restart nobody could log in.';
  throw invalidOption(name, `${owner}: ${hint}`);
}
