/** So many at most, of the last minute or so: newer ones must not take the place of those that a test asks for. */
const MAX = 50_000;
/** So many of them are sent again. */
const MAX_RESENT = 400;
/** So many are sent at the same time. */
const WIDTH = 16;

/** Requests that were accepted, to be sent again: what a listener on the line, or a proxy that retries, would have. */
export class KeptRequests {
  #kept = [];

  keep({ target, headers }) {
    this.#kept.push({ target, headers, at: Date.now() });
    if (this.#kept.length > MAX) this.#kept.shift();
  }

  /** The latest that were accepted before then, as they were. Resolves to how many got which answer. */
  async resend(port, { before }) {
    const queue = this.#kept
      .filter(({ at }) => at < before)
      .slice(-MAX_RESENT)
      .values();
    const answers = {};
    const work = async () => {
      for (const { target, headers } of queue) {
        const response = await fetch(`http://127.0.0.1:${port}${target}`, { headers });
        const { code, subCode } = await response.json();
        const answer = [response.status, code, subCode].filter(Boolean).join(' ');
        answers[answer] = (answers[answer] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, work));
    return answers;
  }
}
