// Runs the suite in Node, Bun and Deno: process.mjs CONTROL_URL
// It has to end by itself afterwards: nothing of the package may keep a process alive.
import { argv } from 'node:process';
import { run } from './entry.mjs';

await run(argv[2]);
