// Serves the API in Node, Bun and Deno until it is ended, and says where.
import { serveApi } from './api.mjs';

console.log((await serveApi()).url);
