/**
 * What the k6 scripts know that is not k6's: which URI a user asks for, how long he pauses, what an answer tells. Pure, without a word of Node or
 * k6, so that it is the same code in both: `weighbridge/k6` for the scripts, which esbuild bundles.
 */
import { RandomStreams, seededRandom } from '../../base/random.js';
import { classifyAnswer, type MarkerTexts, markerTexts } from '../marker.js';
import { streamNumber } from '../workload/streams.js';
import { drawThinkTime, startFraction, startSpan } from '../workload/thinkTime.js';
import { type UriWalk, walkLap } from '../workload/uriWalk.js';
import { type AnswerTags, type K6Marker, type K6Request, type K6Settings, UNKNOWN, UNMARKED } from './contract.js';

export { type AnswerTags, type K6Plan, type K6Request, type K6Settings, METRICS } from './contract.js';
export { executorOf, type Shape, shaped } from './executors.js';
export { type K6EndOfTest, summaryOf } from './summary.js';

/** A request that leaves later than this after it was due is late, ms. As in the node engine. */
export const LATE_MS = 50;

/**
 * One of k6's virtual users, in one part of the load. Draws what the node engine's user of the same number draws with the same seed: the same
 * pauses, and the same URIs unless their order is random.
 */
export class VirtualUser {
  /** Between coming and asking for the first time, ms; 0 for arrivals. */
  readonly firstPauseMs: number;
  readonly #settings: K6Settings;
  readonly #part: number;
  readonly #walk: UriWalk;
  readonly #pauses: RandomStreams;

  /**
   * @param part position in the parts of the plan.
   * @param number of the user, from 0.
   */
  constructor(settings: K6Settings, part: number, lap: ArrayLike<number>, number: number) {
    const { seed, order } = settings;
    this.#settings = settings;
    this.#part = part;
    this.#walk = walkLap(order, lap, 1, new RandomStreams(seed, [streamNumber(part, 'uris', number)]));
    this.#pauses = new RandomStreams(seed, [streamNumber(part, 'thinkTimes', number)]);
    const model = settings.parts[part]?.model;
    const rotation = seededRandom(seed, streamNumber(part, 'starts'))();
    this.firstPauseMs = model?.kind === 'closed' ? startFraction(rotation, number) * startSpan(model.thinkTime) : 0;
  }

  /** Position in the requests of the plan. */
  nextRequest(): number {
    return this.#walk.next(0);
  }

  /** Between an answer and the next request, ms. */
  nextPauseMs(): number {
    const model = this.#settings.parts[this.#part]?.model;
    return model?.kind === 'closed' ? drawThinkTime(model.thinkTime, this.#pauses, 0) : 0;
  }
}

/** The texts of a plan's marker, made once for `answerTags`. */
export const textsOf = ({ versions, failed, byAbsence }: K6Marker): MarkerTexts =>
  markerTexts({ uri: '*', versions, failed }, byAbsence);

/** Whether the body of an answer has to be read at all. */
export const readsBody = ({ needles, hasFailedText }: MarkerTexts, { tellsVersion, method }: K6Request): boolean =>
  method !== 'HEAD' && needles.length > 0 && (tellsVersion || hasFailedText);

/**
 * The account of a complete answer.
 * @param body null: it was not read.
 */
export function answerTags(texts: MarkerTexts, request: K6Request, status: number, body: string | null): AnswerTags {
  const found = texts.needles.map((text) => body?.includes(text) === true);
  const account = classifyAnswer(texts, request.tellsVersion, status, found);
  const common = { uri: request.name, status: String(status) };
  switch (account.kind) {
    case 'version':
      return { ...common, version: account.version, outcome: 'ok' };
    case 'unmarked':
      return { ...common, version: UNMARKED, outcome: 'ok' };
    case 'failed':
      return { ...common, version: UNKNOWN, outcome: 'failed', error: account.reason };
  }
}

/** The account of a request without a complete answer. @param code k6's `error_code`. @param text k6's `error`. */
export function failureTags(request: K6Request, code: number, text: string): AnswerTags {
  return { uri: request.name, status: '0', version: UNKNOWN, outcome: 'failed', error: errorClass(code, text) };
}

/** k6's error codes (js/modules/k6/http, lib/netext/httpext/error_codes.go) by the words of the node engine. */
const ERROR_CODES: Readonly<Record<number, string>> = {
  1050: 'timeout',
  1100: 'unknown-host',
  1101: 'unknown-host',
  1201: 'reset',
  1211: 'connect-timeout',
  1212: 'connect-refused',
  1220: 'reset',
};

/** What Go says where k6 has no code of its own. */
const ERROR_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/too many open files/, 'out-of-sockets'],
  [/cannot assign requested address/, 'out-of-ports'],
  [/connection reset by peer|broken pipe/, 'reset'],
  [/connection refused/, 'connect-refused'],
  [/timeout/, 'timeout'],
  [/malformed|invalid (header|byte)|bad Content-Length|too many headers|protocol/i, 'protocol'],
  [/EOF|closed|idle HTTP channel/, 'closed'],
  [/no route to host|network is unreachable/, 'unreachable'],
];

/** The kind of failure, as `ClientCounts.errors` names it. */
export function errorClass(code: number, text: string): string {
  const known = ERROR_CODES[code];
  if (known) return known;
  if (code >= 1300 && code < 1400) return 'tls';
  return ERROR_TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}
