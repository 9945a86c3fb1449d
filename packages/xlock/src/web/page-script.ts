/** The script of the page of a sign-in: asks for an approval, waits for it, and goes where the answer says. */
export const SCRIPT = `
'use strict';
const at = (id) => document.getElementById(id);
const base = at('ask').dataset.base;
let turn = 0, ticking;
const show = (...ids) => { for (const id of ['ask', 'wait', 'problem']) at(id).hidden = !ids.includes(id); };
const send = async (route, init) => {
  const response = await fetch(base + route, init);
  const answer = await response.json();
  if (!response.ok) throw answer;
  return answer;
};
const post = (route, body) => send(route, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}),
});
const fail = (problem) => {
  clearInterval(ticking);
  at('what').textContent = problem.message || 'This page cannot be reached.';
  at('help').textContent = problem.resolution || 'Check the connection, and try again.';
  show('problem');
  at('again').focus();
};
const wait = async (mine, id) => {
  for (;;) {
    const answer = await (id ? send('/login/' + id) : post('/state'));
    if (mine !== turn) return;
    if (answer.state !== 'approved') continue;
    clearInterval(ticking);
    location.assign(answer.next || at('ask').dataset.next);
    return;
  }
};
at('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const mine = ++turn;
  try {
    const { id, match, link, code, leftMs } = await post('/login', { userId: at('user').value.trim() });
    at('digits').textContent = match;
    at('matching').hidden = match === '';
    at('link').href = link;
    at('code').setAttribute('viewBox', '0 0 ' + code.side + ' ' + code.side);
    at('code').firstElementChild.setAttribute('d', code.path);
    const end = performance.now() + leftMs;
    const tick = () => {
      const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      at('left').textContent = 'Waiting for your device: ' + seconds + ' s left.';
    };
    tick();
    clearInterval(ticking);
    ticking = setInterval(tick, 1000);
    show('wait');
    await wait(mine, id);
  } catch (problem) { if (mine === turn) fail(problem); }
});
at('again').addEventListener('click', () => { turn++; show('ask'); at('user').focus(); });
at('cancel')?.addEventListener('click', async () => {
  turn++;
  try { location.assign((await post('/cancel')).next); } catch (problem) { fail(problem); }
});
show('ask');
if (at('user').value === '') at('user').focus();
`;
