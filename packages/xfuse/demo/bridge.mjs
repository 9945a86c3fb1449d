// A bridge that moves callers from keys to xLink and back, and steps back by itself: `npm run demo -w packages/xfuse`.
// `--check` runs it without pauses, and fails unless all of it came about.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { formatShadowReport, Xfuse } from '@private.me/xfuse';
import { KEY, startApis } from './apis.mjs';
import { Screen, showsMotion } from './screen.mjs';

/** What it waits on a terminal, so that one can see it, in seconds: at most. */
const PAUSES_S = 10;

const isCheck = process.argv.includes('--check');
const started = performance.now();
const apis = await startApis();
const bridge = await Xfuse.create({
  legacy: { endpoint: apis.legacy, apiKey: KEY },
  modern: { endpoint: apis.modern, apiKey: KEY },
  maxMirrors: 100,
  compare: { ignore: ['/servedAt'], reveal: ['/total'] },
  budget: { minimum: 10, errorRatio: 0.1, collapse: 0.9 },
});
const steps = [];
bridge.observe((event) => event.type === 'ratio' && steps.push(event));

const screen = new Screen();
const callers = Array(100).fill('none');
const counts = { answered: 0, errors: 0 };
let title = '';
const draw = () => screen.draw({ title, status: bridge.status(), callers, ...counts });

/** A request of each caller, a few at a time, so that one can see them go. */
async function round(mode) {
  for (let from = 0; from < callers.length; from += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, at) => call(from + at, mode)));
    draw();
    if (showsMotion && !isCheck) await pause(45);
  }
}

async function call(at, mode) {
  const before = bridge.status().fellBack;
  try {
    const answer = await bridge.send({
      path: `/orders/${at}`,
      caller: `caller-${at}`,
      ...(mode ? { mode } : {}),
    });
    counts.answered += 1;
    if (answer.status !== 200) counts.errors += 1;
    const fellBack = answer.side === 'legacy' && apis.state.broken && bridge.status().fellBack > before;
    callers[at] = answer.status !== 200 ? 'error' : fellBack ? 'fell-back' : answer.side;
  } catch {
    counts.errors += 1;
    callers[at] = 'error';
  }
}

const onModern = () => callers.filter((side) => side === 'modern').length;
const wait = () => (isCheck || !showsMotion ? undefined : pause(350));

try {
  title = '1  Mirror: the key answers, xLink is compared';
  await round('mirror');
  await bridge.settle();
  const report = bridge.report();
  screen.say(formatShadowReport(report));
  assert.equal(report.agreement, 0);
  assert.deepEqual(
    report.routes[0].changes.map(({ at, count }) => [at, count]),
    [['/total', 100]],
  );
  screen.say('\nThe new code rounds. Mended before anybody noticed.');
  apis.state.rounds = false;

  const shares = [];
  for (const [at, aci] of [0.1, 0.25, 0.5, 1].entries()) {
    title = `${at + 2}  ${aci * 100} % of the callers go over, and stay there`;
    bridge.setTrafficRatio({ aci, api: 1 - aci });
    const before = callers.map((side) => side === 'modern');
    await round();
    if (at === 0) await round();
    shares.push(onModern());
    assert.ok(
      callers.every((side, one) => !before[one] || at === 0 || side === 'modern'),
      'a caller went back',
    );
    screen.step(`${onModern()} of 100 callers on xLink`);
    await wait();
  }
  assert.ok(shares[0] >= 3 && shares[0] <= 20 && shares[2] >= 35 && shares[2] <= 65, `shares ${shares}`);
  assert.equal(shares[3], 100);

  title = '6  xLink breaks: the keys answer, and the bridge steps back by itself';
  apis.state.broken = true;
  for (let at = 0; bridge.trafficRatio.aci > 0 && at < 10; at++) await round();
  await round();
  assert.equal(bridge.trafficRatio.aci, 0);
  assert.ok(steps.some(({ by, to }) => by === 'budget' && to === 0));
  assert.equal(onModern(), 0);
  screen.step(`stepped back to 0 % after ${bridge.status().fellBack} answers by key in its place`);
  await wait();

  title = '7  Repaired: back to 100 %';
  apis.state.broken = false;
  bridge.setTrafficRatio({ aci: 1, api: 0 });
  await round();
  assert.equal(onModern(), 100);
  await wait();

  title = '8  And back to the keys, because somebody wants to';
  bridge.setTrafficRatio({ aci: 0, api: 1 });
  await round();
  assert.equal(onModern(), 0);

  assert.equal(counts.errors, 0, 'a caller saw an error');
  const took = (performance.now() - started) / 1000;
  screen.say(`${counts.answered} answers, 0 errors seen by callers, in ${took.toFixed(1)} s.`);
  // Its own time and its pauses: on a busy machine the rest is waiting.
  const { user, system } = process.cpuUsage();
  assert.ok((user + system) / 1e6 + PAUSES_S < 30, 'it takes more than 30 s');
  if (isCheck) console.log('ok');
} finally {
  await bridge.close();
  apis.close();
}
