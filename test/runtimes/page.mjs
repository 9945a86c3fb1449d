// Runs the suite in a browser, on a page of the control server.
import { run } from './entry.mjs';

await run(location.origin);
