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
  const cpu = { legacy: 0, mirror: 0 };
  // One of each in turn, and nothing under way when one begins: what else the machine does hits both alike.
  for (let round = 0; round < 350; round++)
    for (const mode of ['legacy', 'mirror']) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      await bridge.send({ path: '/orders/1', mode });
      const took = performance.now() - started;
      await bridge.settle();
      const { user, system } = process.cpuUsage(before);
      if (round < 50) continue;
      times[mode].push(took);
      cpu[mode] += (user + system) / 1000 / 300;
    }
  for (const [mode, values] of Object.entries(times)) {
    const what = mode === 'legacy' ? 'legacy alone' : 'mirrored';
    const figures = [at(values, 0.5), at(values, 0.95), cpu[mode]].map((ms) => ms.toFixed(2));
    console.log(`| ${name}: ${what} | ${figures.join(' | ')} |`);
  }
  await bridge.close();
}

console.log('| modern side | p50 ms | p95 ms | CPU ms |\n|---|---|---|---|');
const plain = await serve(20);
servers.push(plain.server);
await measure('plain, 20 ms', { endpoint: plain.url, fetch });
const apis = await startApis();
await measure('behind xLink', { endpoint: apis.modern, apiKey: KEY });
apis.close();
for (const server of servers) {
  server.closeAllConnections();
  server.close();
}
