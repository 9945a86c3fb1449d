/** How many ways there are to choose `k` of `n`; at most about 10^76, and exact up to 2^53. */
export function choose(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return Math.round(ways);
}

/** All subsets of `size` of the numbers below `n`, in lexicographic order, one after the other. */
export function* subsets(n: number, size: number): Generator<number[]> {
  const chosen = Array.from({ length: size }, (_, at) => at);
  for (;;) {
    yield [...chosen];
    let at = size - 1;
    while (at >= 0 && chosen[at] === n - size + at) at -= 1;
    if (at < 0) return;
    chosen[at]! += 1;
    for (let after = at + 1; after < size; after++) chosen[after] = chosen[after - 1]! + 1;
  }
}
