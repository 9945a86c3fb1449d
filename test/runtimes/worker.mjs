// Runs the suite in workerd, at the first request.
import { run } from './entry.mjs';

export default {
  async fetch(_request, { CONTROL_URL }) {
    await run(CONTROL_URL);
    return new Response('done');
  },
};
