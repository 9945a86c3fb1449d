import { isPrivateHost } from '@private.me/xlink/server';
import { Failure } from './failures.js';
import { FLAG } from './options.js';

export const PRIVATE_OPTION = { 'allow-private': FLAG } as const;

export const PRIVATE_HELP = `  --allow-private          also at a private address; this very machine needs no word, unless
                           NODE_ENV is production`;

/** Whether an address is one of this very machine, where nobody is on the way. */
export const isHere = (target: string): boolean =>
  URL.canParse(target) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(target).hostname);

/** For addresses that a stranger chose. Throws `PRIVATE_ADDRESS` for one that only those reach who are behind the same wall as this machine. */
export function assertPublic(
  target: string,
  values: { readonly 'allow-private'?: boolean | undefined },
): void {
  if (values['allow-private'] || !isPrivateHost(new URL(target).hostname)) return;
  if (isHere(target) && process.env['NODE_ENV'] !== 'production') return;
  throw new Failure('PRIVATE_ADDRESS', new URL(target).host);
}
