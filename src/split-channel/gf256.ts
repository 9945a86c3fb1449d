/** Product in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1, in steps that do not depend on the factors. */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 0; bit < 8; bit++) {
    sum ^= a & -((b >> bit) & 1);
    a = (a << 1) ^ (0x11b & -(a >> 7));
  }
  return sum;
}

/** `a` to the power of 254, which is 1 divided by it; 0 for 0. */
function inverse(a: number): number {
  let power = a;
  let result = 1;
  for (let bit = 1; bit < 8; bit++) {
    power = product(power, power);
    result = product(result, power);
  }
  return result;
}

/**
 * The beginning of what Shamir's scheme shared, from the beginnings of as many shares as are needed: each the values of
 * polynomials at its coordinate, which is its last byte. `undefined` where two coordinates are the same, or one is 0.
 */
export function valueAtZero(pieces: readonly Uint8Array[], length: number): Uint8Array | undefined {
  const coordinates = pieces.map((piece) => piece.at(-1)!);
  if (new Set(coordinates).size < coordinates.length || coordinates.includes(0)) return undefined;
  const values = new Uint8Array(length);
  for (const [at, piece] of pieces.entries()) {
    const weight = weightOf(coordinates, at);
    for (let byte = 0; byte < length; byte++) values[byte]! ^= product(piece[byte]!, weight);
  }
  return values;
}

/** What a value counts for in the value at 0, by Lagrange's formula. */
function weightOf(coordinates: readonly number[], at: number): number {
  let [above, below] = [1, 1];
  for (const [other, coordinate] of coordinates.entries()) {
    if (other === at) continue;
    above = product(above, coordinate);
    below = product(below, coordinate ^ coordinates[at]!);
  }
  return product(above, inverse(below));
}
