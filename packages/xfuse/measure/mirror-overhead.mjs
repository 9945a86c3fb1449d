// What mirroring costs a caller, with all three in one process: `node measure/mirror-overhead.mjs`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Xfuse } from '@private.me/xfuse';
import { KEY, startApis } from '../demo/apis.mjs';

const serve = async (ms) => {
  const answer = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"item":"tea","total":12.5}');
  const server = createServer((_request, response) => setTimeout(answer, ms, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
};
const at = (values, share) => values.sort((a, b) => a - b)[Math.floor(values.length * share)];
const servers = [];

async function measure(name, modern) {
  const legacy = await serve(5);
  servers.push(legacy.server);
  const bridge = await Xfuse.create({ legacy: { endpoint: legacy.url }, modern, maxMirrors: 1000 });
  const times = { legacy: [], mirror: [] };
  for (let round = 0; round < 400; round++)
    for (const mode of ['legacy', 'mirror']) {
      const started = performance.now();
      await bridge.send({ path: '/orders/1', mode });
      if (round >= 50) times[mode].push(performance.now() - started);
    }
  for (const [mode, values] of Object.entries(times)) {
    const what = mode === 'legacy' ? 'legacy alone' : 'mirrored';
    console.log(`| ${name}: ${what} | ${at(values, 0.5).toFixed(2)} | ${at(values, 0.95).toFixed(2)} |`);
  }
  await bridge.close();
}

console.log('| modern side | p50 ms | p95 ms |\n|---|---|---|');
const plain = await serve(300);
servers.push(plain.server);
await measure('plain, 300 ms', { endpoint: plain.url, fetch });
const apis = await startApis();
await measure('behind xLink', { endpoint: apis.modern, apiKey: KEY });
apis.close();
for (const server of servers) {
  server.closeAllConnections();
  server.close();
}
