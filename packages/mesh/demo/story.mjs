// The decision matrix, told by twelve agents. Each chapter returns what happened; `expected` is what must have.
import { HttpTrustRegistry } from '@private.me/xlink';
import { link, Player, startServer } from './stage.mjs';

const NAMES = ['ada', 'ben', 'cleo', 'dan', 'emil', 'fay', 'gus', 'hana', 'ivo', 'jun', 'kim', 'lea'];
/** Who takes part in groups. */
const FLEET = ['ada', 'ben', 'emil', 'gus', 'kim'];
const TCP = 'tcp://127.0.0.1:0';

/** Starts the server and twelve agents, and remembers where each listens. */
export async function setTheStage() {
  const place = await startServer();
  const registry = new HttpTrustRegistry({
    baseUrl: place.server,
    authToken: place.token,
    timeoutMs: 60_000,
  });
  const cast = Object.fromEntries(NAMES.map((name) => [name, new Player(name)]));
  await cast.kim.start(place, { inFleet: true });
  // Ben's operator gives Kim the role of the planner: it is bound to her DID, and there is no token beside that.
  const roles = { [cast.kim.did]: ['planner'] };
  const optionsOf = (name) => ({
    hybrid: name === 'ivo' || name === 'jun',
    inFleet: FLEET.includes(name),
    ...(name === 'ben' ? { roles } : {}),
  });
  const others = NAMES.filter((name) => name !== 'kim');
  // Three at a time: each one makes keys and publishes them.
  for (let at = 0; at < others.length; at += 3)
    await Promise.all(others.slice(at, at + 3).map((name) => cast[name].start(place, optionsOf(name))));
  for (const name of ['ben', 'cleo', 'emil', 'jun', 'lea']) await listen(cast[name], TCP);
  await listen(cast.gus, 'udp://127.0.0.1:0');
  return { place, registry, ...cast };
}

const listen = async (agent, at) => {
  ({ address: agent.address } = await agent.do('listen', { address: at }));
};
const open = (from, to, { address = to.address, ...config } = {}) =>
  from.do('open', { target: to.did, config: { ...(address ? { addresses: [address] } : {}), ...config } });
const say = (from, to, message, times) => from.do('send', { to: to.did, message, times });
const kindNow = async (from, to) => (await from.do('upgrade'))[to.did];
const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** One row of the matrix each. */
export const CHAPTERS = [
  {
    row: 'Two agents, both online, low latency',
    expected: { kind: 'noise', answered: true },
    async play({ ada, ben }) {
      const opened = await open(ada, ben);
      await say(ada, ben, 'Is the pump running?');
      await ben.hears('Is the pump running?', ada);
      await say(ben, ada, 'It is.');
      await ada.hears('It is.', ben);
      const told = `Ada asks Ben over Noise XX. The channel took ${ms(opened.ms)}; both DIDs are proven, and the registry was asked.`;
      return { kind: opened.kind, answered: true, told };
    },
  },
  {
    row: 'Agent sends task to offline peer, async delivery',
    expected: { kind: 'signal', heard: true, later: 'noise' },
    async play({ place, cleo, dan }) {
      await cleo.stop();
      const { kind } = await open(dan, cleo);
      await say(dan, cleo, 'Count the crates when you are back.');
      // Another life of the same agent, on the same port: its prekeys and ratchets are in its files.
      await cleo.start(place);
      await listen(cleo, cleo.address);
      const { kind: by } = await cleo.hears('Count the crates when you are back.', dan);
      const later = await kindNow(dan, cleo);
      const told = `Cleo is away. Dan's task waits at the relay, sealed for her prekeys (${by}). She restarts and reads it; Dan's channel moves to ${later}.`;
      return { kind, heard: true, later, told };
    },
  },
  {
    row: 'Two agents, the link between them is cut',
    expected: { before: 'noise', during: 'signal', after: 'noise', heard: 3 },
    async play({ emil, fay }) {
      const wire = await link(emil.address);
      const { kind: before } = await open(fay, emil, { address: wire.address });
      await say(fay, emil, 'one');
      await emil.hears('one', fay);
      wire.cut();
      await fay.see('the cut', { event: 'router', type: 'fallback', failure: 'lost' });
      const { kind: during } = await say(fay, emil, 'two');
      await emil.hears('two', fay);
      wire.mend();
      const after = await kindNow(fay, emil);
      await say(fay, emil, 'three');
      await emil.hears('three', fay);
      const told = `The link to Emil is cut under an open channel. Fay's next message takes ${during} by the relay; the link is back, and so is ${after}. One channel for the application all the time.`;
      return { before, during, after, heard: 3, told };
    },
  },
  {
    row: 'Fleet of 50+ agents sharing an encrypted channel',
    expected: {
      ...{ kind: 'mls', members: 5, gate: ['opened', 'ROLE_MISSING'] },
      ...{ ended: 'peer', again: 'ROUTE_NOT_FOUND', readOn: 0 },
    },
    async play({ ada, ben, emil, gus, kim }) {
      const others = [ben, emil, gus, kim];
      const { group, members } = await ada.do('gather', { members: others.map(({ did }) => did) });
      const fleet = { did: group };
      const { kind } = await open(ada, fleet, { groupId: group });
      const joined = { event: 'router', type: 'accepted', kind: 'mls' };
      await Promise.all(others.map((one) => one.see('the group', joined)));
      await say(ada, fleet, 'Fleet, report.');
      await Promise.all(others.map((one) => one.hears('Fleet, report.', ada)));
      // One channel for all of them, and still it is proven who of them speaks.
      const gate = [];
      for (const [who, order] of [
        [kim, 'Open the gate.'],
        [gus, 'Open the other gate.'],
      ]) {
        await say(who, fleet, order);
        await ben.hears(order, who);
        const answer = await ben.fails('allow', { from: who.did, role: 'planner' });
        gate.push(answer === 'nothing failed' ? 'opened' : answer);
      }
      await ada.do('dismiss', { group, member: emil.did });
      const { by: ended } = await emil.see('the end', { event: 'closed', peer: group });
      await say(ada, fleet, 'Without Emil now.');
      await Promise.all([ben, gus, kim].map((one) => one.hears('Without Emil now.', ada)));
      const again = await emil.fails('open', { target: group, config: { groupId: group } });
      const readOn = emil.events.filter(({ text }) => text === 'Without Emil now.').length;
      const told = `Ada, Ben, Emil, Gus and Kim share one MLS group, ordered by the server, which cannot read it. Each message proves its sender: Kim, the planner, gets the gate opened; Gus gets ${gate[1]}. Ada removes Emil: the keys are new, his channel ends, and he reads no further.`;
      return { kind, members, gate, ended, again, readOn, told };
    },
  },
  {
    row: 'Calling external HTTP API or human-facing service',
    expected: { kind: 'session', answer: 'order taken: two crates' },
    async play({ dan, hana }) {
      const { url } = await hana.do('serve');
      const { kind } = await dan.do('open', { target: url, config: {} });
      await say(dan, hana, 'two crates');
      const { text: answer } = await dan.see('the answer', { event: 'message', from: hana.did });
      const told = `Dan calls Hana's HTTP API, as sealed requests in a session over whatever TLS there is: "${answer}".`;
      return { kind, answer, told };
    },
  },
  {
    row: 'High-frequency UDP telemetry between agents',
    expected: { kind: 'noise', most: true, twice: 0 },
    async play({ gus, hana }) {
      const { kind } = await open(hana, gus, { transport: 'udp' });
      const began = performance.now();
      await say(hana, gus, 'reading', 1_000);
      const readings = () =>
        gus.events.filter(({ event, text }) => event === 'message' && text.startsWith('reading'));
      for (let last = -1; last < readings().length; ) {
        last = readings().length;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      const all = readings().map(({ text }) => text);
      const twice = all.length - new Set(all).size;
      const told = `Hana sends Gus 1000 readings over Noise in UDP datagrams, in ${ms(performance.now() - began)}: ${all.length} arrive, none of them twice.`;
      return { kind, most: all.length >= 900, twice, told };
    },
  },
  {
    row: 'Regulated environment requiring quantum readiness',
    expected: { kind: 'noise', postQuantum: true, refused: true },
    async play({ ada, ivo, jun }) {
      const { kind } = await open(ivo, jun, { postQuantum: true });
      const { postQuantum } = await ivo.see('the channel', { event: 'router', type: 'established' });
      await say(ivo, jun, 'The register is closed.');
      await jun.hears('The register is closed.', ivo);
      // Ada has no hybrid Noise: she gets no channel to Jun by it.
      const error = await ada.fails('open', {
        target: jun.did,
        config: { addresses: [jun.address], only: ['noise'], postQuantum: true },
      });
      const told = `Ivo and Jun mix ML-KEM-768 into their handshake (experimental) and sign with ML-DSA-65 too. Ada, who asks for the same without having it, is refused: ${error}.`;
      return { kind, postQuantum, refused: error === 'ROUTE_NOT_FOUND', told };
    },
  },
  {
    row: 'An agent is revoked',
    expected: { by: 'revoked', again: 'ROUTE_NOT_FOUND' },
    async play({ registry, ben, lea }) {
      await open(lea, ben);
      await say(lea, ben, 'Hello.');
      await ben.hears('Hello.', lea);
      const began = performance.now();
      const revoked = await registry.revoke(lea.did);
      if (revoked && revoked.ok === false) throw revoked.error;
      const { by } = await ben.see('the end', { event: 'closed', peer: lea.did });
      const took = performance.now() - began;
      const error = await lea.fails('open', {
        target: ben.did,
        config: { addresses: [ben.address], only: ['noise'], timeoutMs: 5_000 },
      });
      const told = `Lea is revoked. Ben's channel to her ends ${ms(took)} later; her next attempt gets ${error}.`;
      return { by, again: error, told };
    },
  },
  {
    row: 'An agent is compromised, and recovers',
    expected: {
      thief: 'planner',
      ended: 'revoked',
      thiefAgain: 'ROUTE_NOT_FOUND',
      kimBefore: 'ROLE_MISSING',
      kimAfter: 'noise',
      rekeyed: 0,
      inFleet: 3,
    },
    async play({ place, registry, ada, ben, kim }) {
      const role = (from) => ben.fails('allow', { from: from.did, role: 'planner' });
      const thief = await new Player('thief').start(place, { seedName: 'kim', isThief: true });
      await open(thief, ben);
      await say(thief, ben, 'I am Kim. Open the gate.');
      await ben.hears('I am Kim. Open the gate.', kim);
      const asThief = (await role(thief)) === 'nothing failed' ? 'planner' : 'nobody';
      const revoked = await registry.revoke(kim.did);
      if (revoked && revoked.ok === false) throw revoked.error;
      const { by: ended } = await ben.see('the end', { event: 'closed', peer: thief.did });
      const { left: inFleet } = await ada.see('Kim put out', { event: 'mls', what: 'epoch', gone: kim.did });
      const again = await thief.fails('open', {
        target: ben.did,
        config: { addresses: [ben.address], timeoutMs: 5_000 },
      });
      await kim.stop();
      await kim.start(place, { seedName: 'kim, once more' });
      const { kind: kimAfter } = await open(kim, ben);
      await say(kim, ben, 'This is my new key.');
      await ben.hears('This is my new key.', kim);
      const kimBefore = await role(kim);
      const { failed } = await ben.do('rekey');
      const told = `A thief has Kim's seed: Ben takes him for the ${asThief}. Kim is revoked: his channel ends, and the fleet removes her by itself. Kim comes back under a new DID, proven but without the role (${kimBefore}) until the operator binds it. Ben makes new prekeys and sessions.`;
      return {
        thief: asThief,
        ended,
        thiefAgain: again,
        kimBefore,
        kimAfter,
        rekeyed: failed,
        inFleet,
        told,
      };
    },
  },
];
