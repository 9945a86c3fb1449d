/** What a run of requests saw; see LoadReport of ../fleet.ts. */
export class Tally {
  #started = performance.now();
  #sent = 0;
  #slowest = 0;
  #latencies = [];
  #kinds = {};

  /** `took` in ms. */
  count(kind, status, took) {
    this.#sent += 1;
    this.#slowest = Math.max(this.#slowest, took);
    if (this.#sent % 97 === 0) this.#latencies.push(took);
    this.#kinds[kind] ??= { statuses: {}, successes: [] };
    const { statuses, successes } = this.#kinds[kind];
    statuses[status] = (statuses[status] ?? 0) + 1;
    const now = Date.now();
    if (status === 200 && now - (successes.at(-1) ?? 0) >= 10) successes.push(now);
  }

  report() {
    const seconds = (performance.now() - this.#started) / 1000;
    const sorted = this.#latencies.sort((a, b) => a - b);
    const quantile = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    const { signed = NOTHING, keyed = NOTHING } = this.#kinds;
    return {
      ...signed,
      keyed,
      sent: this.#sent,
      seconds,
      slowest: this.#slowest,
      p50: quantile(0.5),
      p99: quantile(0.99),
    };
  }
}

const NOTHING = { statuses: {}, successes: [] };
