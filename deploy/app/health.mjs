// Whether the process is alive, and whether it has what it needs. Two questions: the first is for the supervisor that restarts it.

/**
 * @param {Readonly<Record<string, () => Promise<boolean>>>} stores how each is asked; never rejects, and answers in time
 * @param {() => boolean} isStopping
 * @returns {import('express').RequestHandler}
 */
export const readiness = (stores, isStopping) => async (_req, res) => {
  const states = await Promise.all(
    Object.entries(stores).map(async ([name, ping]) => [name, (await ping()) ? 'up' : 'down']),
  );
  const stopping = isStopping();
  const ready = !stopping && states.every(([, state]) => state === 'up');
  res.status(ready ? 200 : 503).json({ ready, ...(stopping && { stopping }), ...Object.fromEntries(states) });
};

/** @type {import('express').RequestHandler} */
export const liveness = (_req, res) => {
  res.json({ alive: true });
};
