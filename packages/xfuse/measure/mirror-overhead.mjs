// What mirroring costs a caller, with a modern side that takes 300 ms: `node measure/mirror-overhead.mjs`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Xfuse } from '@private.me/xfuse';

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
const [legacy, modern] = [await serve(5), await serve(300)];
const bridge = await Xfuse.create({
  legacy: { endpoint: legacy.url },
  modern: { endpoint: modern.url, fetch },
  maxMirrors: 1000,
});
const times = { legacy: [], mirror: [] };
for (let round = 0; round < 400; round++)
  for (const mode of ['legacy', 'mirror']) {
    const started = performance.now();
    await bridge.send({ path: '/orders/1', mode });
    if (round >= 50) times[mode].push(performance.now() - started);
  }
const at = (values, share) => values.sort((a, b) => a - b)[Math.floor(values.length * share)];
console.log('| | p50 ms | p95 ms |\n|---|---|---|');
for (const [mode, values] of Object.entries(times))
  console.log(
    `| ${mode === 'legacy' ? 'legacy alone' : 'mirrored'} | ${at(values, 0.5).toFixed(2)} | ${at(values, 0.95).toFixed(2)} |`,
  );
await bridge.close();
for (const { server } of [legacy, modern]) {
  server.closeAllConnections();
  server.close();
}
