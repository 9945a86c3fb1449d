import { xlinkError } from '../errors/errors.js';

type Library = typeof import('shamir-secret-sharing');

/** The pieces of `totalShares` shares by Shamir's scheme, by the package `shamir-secret-sharing`; one byte longer than the secret. */
export async function shamirPieces(
  secret: Uint8Array,
  totalShares: number,
  threshold: number,
): Promise<Uint8Array[][]> {
  const { split } = await library();
  return (await split(secret, totalShares, threshold)).map((piece) => [piece]);
}

/** The secret from as many pieces as the threshold; `undefined` where two are for one coordinate, so that there is none. */
export async function shamirSecret(pieces: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
  const coordinates = new Set(pieces.map((piece) => piece.at(-1)));
  if (coordinates.size < pieces.length || coordinates.has(0)) return undefined;
  const { combine } = await library();
  return combine([...pieces]);
}

/** An optional package: XOR sharing, which is what 2-of-3 and 3-of-5 use, needs none. */
async function library(): Promise<Library> {
  try {
    return await import('shamir-secret-sharing');
  } catch (cause) {
    throw xlinkError('INVALID_OPTION', {
      field: 'totalShares',
      hint: 'Sharing of this size needs the package shamir-secret-sharing; install it, or use 2 of 3 or 3 of 5.',
      cause,
    });
  }
}
