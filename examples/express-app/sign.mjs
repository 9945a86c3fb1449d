// Makes xLink requests for curl, as the visitor of the demo that is running in another terminal.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runningDemo, visitorFile } from './demo/running.mjs';
import { createXlinkClient } from './xlink-client.mjs';

const USAGE = `Usage: node sign.mjs [options] METHOD /path [JSON]

Prints the credentials of "Authorization: Xlink …" for one request; with JSON they
cover a body sent as application/json. They are good once, for 30 seconds.

  --seal        prints a sealed body instead, to be sent as application/xlink-envelope
  --print-curl  prints the whole curl command, which may be piped to sh`;

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}

const { values: flags, positionals } = readArguments();
const [method = '', target = '', json] = positionals;
if (!/^[A-Za-z]+$/.test(method) || !target.startsWith('/') || positionals.length > 3) fail(USAGE);
if (flags.seal && json === undefined) fail('There is nothing to seal: give a JSON body.');

const demo = runningDemo() ?? fail('No demo is running. Start one with: npm start');
const client = await createXlinkClient({ ...demo, pkcs8: readFileSync(visitorFile(demo.folder)) }).catch(() =>
  fail(`The demo at ${demo.url} does not answer. Start it again with: npm start`),
);

const [header, body] = flags.seal
  ? ['Content-Type: application/xlink-envelope', await client.seal(method, target, parse(json))]
  : [`Authorization: ${await client.sign(method, target, json)}`, json];
if (flags['print-curl']) console.log(curlCommand());
else console.log(flags.seal ? body : header.replace('Authorization: Xlink ', ''));

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { seal: { type: 'boolean' }, 'print-curl': { type: 'boolean' } },
    });
  } catch {
    return fail(USAGE);
  }
}

/** @param {string} [text] */
function parse(text = '') {
  try {
    return JSON.parse(text);
  } catch {
    return fail('The body is not JSON.');
  }
}

function curlCommand() {
  const headers = [header, ...(body && !flags.seal ? ['Content-Type: application/json'] : [])];
  const words = ['curl', '-X', method.toUpperCase(), ...headers.flatMap((line) => ['-H', quoted(line)])];
  if (body) words.push('--data-binary', quoted(body));
  return [...words, quoted(demo.url + target)].join(' ');
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
