// Callers that send as fast as they are let: signed GET requests, some of them in several copies at the same moment.
import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from '../../../benchmarks/load.mjs';
import { KeptRequests } from './kept-requests.mjs';
import { answerQuestions } from './questions.mjs';
import { requestMaker } from './requests.mjs';
import { Tally } from './tally.mjs';

const { port, api, callers, connections: width, copies } = JSON.parse(process.env.SETTINGS);

const requests = await requestMaker(api, callers);
const kept = new KeptRequests();
const lanes = await Promise.all(
  Array.from({ length: width }, () =>
    Promise.all(Array.from({ length: copies }, () => Connection.open(port))),
  ),
);

let endsAt = Infinity;

async function load({ from, to, copiedEvery, keyedEvery, untilMs = Infinity, retry = false }) {
  endsAt = untilMs;
  const numbers = (function* () {
    for (let number = from; number < to && Date.now() < endsAt; number++) yield number;
  })();
  const tally = new Tally();
  const send = async (connection, request, kind) => {
    const start = performance.now();
    const status = await connection.request(request.bytes);
    tally.count(kind, status, performance.now() - start);
    return status;
  };
  const isEvery = (number, every) => every > 0 && number % every === 0;
  const attempt = async (lane, number) => {
    if (isEvery(number, keyedEvery)) return (await send(lane[0], requests.withKey(number), 'keyed')) === 200;
    const request = await requests.signed(number);
    const used = isEvery(number, copiedEvery) ? lane : lane.slice(0, 1);
    const answers = await Promise.all(used.map((connection) => send(connection, request, 'signed')));
    const isAccepted = answers.includes(200);
    if (isAccepted) kept.keep(request);
    return isAccepted;
  };
  const work = async (lane) => {
    for (const number of numbers) {
      // A client seals anew and tries again.
      while (!(await attempt(lane, number)) && retry) await wait(20);
    }
  };
  await Promise.all(lanes.map(work));
  return tally.report();
}

const finish = ({ atMs }) => {
  endsAt = atMs;
  return {};
};

answerQuestions(null, { load, finish, resend: (question) => kept.resend(port, question) });
