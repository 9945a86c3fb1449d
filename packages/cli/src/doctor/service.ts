import { discover } from '@private.me/xlink';
import { type ApiValues, discoveryOptions } from '../connect.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** An envelope is good for so long, before and after its time, in ms. */
const WINDOW_MS = 30_000;
const TIMEOUT_MS = 10_000;

/** Clock, discovery and placement of a service, by asking it. */
export async function service(url: string, values: ApiValues): Promise<readonly Finding[]> {
  const { origin } = new URL(url);
  const well = `${origin}/.well-known/xlink.json`;
  const sent = Date.now();
  let answer: Response;
  try {
    answer = await fetch(well, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    return [
      fail(
        'service',
        `${origin} does not answer (${cause?.code ?? (error as Error).message})`,
        'Is it running, and is the address right?',
      ),
    ];
  }
  await answer.body?.cancel();
  return [
    clock(answer.headers.get('date'), sent, Date.now()),
    ...(await discovery(url, answer.status, values)),
  ];
}

/** The header has whole seconds. */
function clock(date: string | null, sent: number, received: number): Finding {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs))
    return warn('clock', 'the service does not say what time it has', 'Compare the clocks by hand: date -u');
  const difference = theirs > received ? theirs - received : Math.max(0, sent - theirs - 1000);
  const seconds = (difference / 1000).toFixed(1);
  if (difference > WINDOW_MS)
    return fail(
      'clock',
      `it is ${seconds} s off; beyond ${WINDOW_MS / 1000} s everything is refused`,
      'Set the clock of the machine that is wrong (chrony, systemd-timesyncd).',
    );
  if (difference > 1000)
    return warn('clock', `it is ${seconds} s off`, 'Let chrony or systemd-timesyncd keep it.');
  return ok('clock', 'the same as that of the service, within a second');
}

async function discovery(url: string, status: number, values: ApiValues): Promise<readonly Finding[]> {
  try {
    const { did, mode, versions } = await discover(url, {
      timeoutMs: TIMEOUT_MS,
      ...discoveryOptions(values, url),
    });
    return [
      ok('service', `${did}, mode ${mode}, versions ${versions.join(', ')}`),
      ok('placement', 'its discovery document is at the root'),
    ];
  } catch (error) {
    const { message } = error as Error;
    if (status === 404)
      return [
        fail(
          'placement',
          'there is no discovery document at the root of the service',
          'Put the adapter at the root, or adapter.wellKnown() in front of it without a path; let the proxy hand on /.well-known/xlink.json.',
        ),
      ];
    return [
      fail(
        'service',
        message,
        'See docs/errors.md for the code; with a test API, --unsafe-allow-http and --allow-private.',
      ),
    ];
  }
}
