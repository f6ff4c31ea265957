/** What every script does: sends the requests of the plan and counts what comes back. */
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import http, { type RefinedParams, type RefinedResponse, type ResponseType } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import {
  type AnswerTags,
  answerTags,
  executorOf,
  failureTags,
  type K6Plan,
  type K6Request,
  type K6Settings,
  LATE_MS,
  METRICS,
  readsBody,
  type Shape,
  shaped,
  summaryOf,
  textsOf,
  VirtualUser,
} from 'weighbridge/k6';

/** A user keeps the requests of a list this long ready; a longer one is read from the shared list each time. */
const MOST_READY = 100;

const plan = (): K6Plan => {
  if (!__ENV.WEIGHBRIDGE_PLAN)
    throw new Error('WEIGHBRIDGE_PLAN names no file: start this by weighbridge load --engine k6');
  return JSON.parse(open(__ENV.WEIGHBRIDGE_PLAN));
};
const settings = new SharedArray<K6Settings>('settings', () => [plan().settings])[0] as K6Settings;
if (settings.planVersion !== 1) throw new Error(`this script reads plans of version 1, not ${settings.planVersion}`);
const requests = new SharedArray<K6Request>('requests', () => [...plan().requests]);
const laps = settings.parts.map(
  (_, part) => new SharedArray<number>(`lap ${part}`, () => [...(plan().laps[part] ?? [])]),
);

const sent = new Counter(METRICS.requests);
const answers = new Counter(METRICS.answers);
const responseTime = new Trend(METRICS.responseTime, true);
const waitingTime = new Trend(METRICS.waitingTime, true);
const late = new Counter(METRICS.late);

const texts = textsOf(settings.marker);
const { durationMs, maxRequests } = settings.limits;

/** k6's options of the plan. @param shape in which the plan's steady level is sent; default: as it is. */
export function optionsOf(shape?: Shape) {
  const { parts, limits, timeoutMs } = settings;
  // k6 writes into its options, and what comes out of a shared array is frozen.
  const options: K6Settings['options'] = JSON.parse(JSON.stringify(settings.options));
  if (!shape) return options;
  const scenarios = parts.map(({ name, model }) => [
    name,
    executorOf(shaped(shape, model, durationMs), { ...limits, timeoutMs }),
  ]);
  return { ...options, scenarios: Object.fromEntries(scenarios) };
}

interface Ready {
  readonly request: K6Request;
  readonly body: ArrayBuffer | null;
  readonly params: RefinedParams<ResponseType>;
}

/** This user, from his first turn on. */
let user: VirtualUser | undefined;
let closed = false;
/** Requests are counted off here, which costs a fifth of one: the executor of this user cannot. */
let counted = false;
/** When his think time is over, ms since the epoch. */
let due = 0;
/** No request leaves at or after this, ms since the epoch. */
let end = Number.POSITIVE_INFINITY;
/** How long the load had been paused in all when he asked last, ms. */
let pausedMs = 0;
const ready: (Ready | undefined)[] = [];

/** One turn: the rest of the think time, and one request. */
export function turn(): void {
  user ??= come();
  if (counted && maxRequests !== undefined && exec.scenario.iterationInTest >= maxRequests) {
    rest();
    return;
  }
  if (!(closed ? waitForTurn() : mayLeave())) return;
  send(user.nextRequest());
  due = Date.now() + user.nextPauseMs();
}

function come(): VirtualUser {
  const { name, startTime, executor } = exec.scenario;
  const part = settings.parts.findIndex((each) => each.name === name);
  const lap = laps[part];
  if (!lap) throw new Error(`the plan has no part ${name}`);
  const comer = new VirtualUser(settings, part, lap, exec.vu.idInTest - 1);
  closed = settings.parts[part]?.model.kind === 'closed';
  counted = executor !== 'shared-iterations';
  if (durationMs !== undefined) end = startTime + durationMs;
  due = Date.now() + comer.firstPauseMs;
  return comer;
}

/** Nothing is left to be asked for: without a pause k6 would give this user turn after turn. */
function rest(): void {
  if (closed) sleep(Math.min(1, Math.max(0, (end - Date.now()) / 1000)));
}

/** Pauses until the think time is over. @returns false when the load ends first. */
function waitForTurn(): boolean {
  for (;;) {
    const now = Date.now();
    if (due >= end) {
      // Not a moment less: k6 would give this user turn after turn until its own clock is there.
      sleep((end - now) / 1000 + 0.02);
      return false;
    }
    if (due > now) sleep((due - now) / 1000);
    const lateMs = Date.now() - due;
    if (lateMs > LATE_MS) late.add(1);
    const before = pausedMs;
    if (mayLeave()) return true;
    // Think times stand still in a pause, so that nothing bursts afterwards.
    due += pausedMs - before;
  }
}

/**
 * Asks whether a request may leave now. In a pause the answer to a user is held back until its end; arrivals are sent away.
 * @returns false: not now; `pausedMs` is up to date.
 */
function mayLeave(): boolean {
  if (!settings.gateUrl) return true;
  const { status, body } = http.post(settings.gateUrl, `${closed ? 'user' : 'arrival'} ${pausedMs}`, {
    responseType: 'text',
    tags: { name: 'weighbridge' },
    timeout: '120s',
  });
  if (status !== 200) exec.test.abort('weighbridge, which started this, has gone');
  const [word, paused] = String(body).split(' ');
  pausedMs = Number(paused);
  return word === 'go';
}

function send(index: number): void {
  const { request, body, params } = ready[index] ?? prepare(index);
  sent.add(1, { uri: request.name });
  const answer = http.request(request.method, request.url, body, params);
  const { duration, blocked, waiting } = answer.timings;
  const tags = accountOf(request, answer);
  answers.add(1, { ...tags });
  const timed = { uri: tags.uri, version: tags.version };
  if (tags.status !== '0') {
    responseTime.add(blocked + duration, timed);
    waitingTime.add(waiting, timed);
  } else if (tags.error === 'timeout') responseTime.add(settings.timeoutMs, timed);
}

function accountOf(request: K6Request, answer: RefinedResponse<ResponseType>): AnswerTags {
  // Codes from 1400 on are those of answers.
  if (answer.status === 0 || (answer.error_code > 0 && answer.error_code < 1400)) {
    return failureTags(request, answer.error_code, answer.error);
  }
  return answerTags(texts, request, answer.status, answer.body as string | null);
}

function prepare(index: number): Ready {
  const request = requests[index] as K6Request;
  const made: Ready = {
    request,
    body: request.body === undefined ? null : encoding.b64decode(request.body),
    params: {
      headers: { ...request.headers },
      redirects: 0,
      responseType: readsBody(texts, request) ? 'text' : 'none',
      tags: { name: request.name },
      timeout: `${settings.timeoutMs}ms`,
    },
  };
  if (requests.length <= MOST_READY) ready[index] = made;
  return made;
}

/**
 * k6's handleSummary: the totals of this process (`K6EndOfTest`) into the file that WEIGHBRIDGE_SUMMARY names; without one, as in a cluster, a
 * line on stdout that starts with WEIGHBRIDGE_SUMMARY.
 */
export function handleSummary(data: Parameters<typeof summaryOf>[0]): Record<string, string> {
  const text = JSON.stringify(summaryOf(data));
  const file = __ENV.WEIGHBRIDGE_SUMMARY;
  return file ? { [file]: text } : { stdout: `\nWEIGHBRIDGE_SUMMARY ${text}\n` };
}
