import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millis } from '../../../src/base/units.js';
import { answerTags, errorClass, failureTags, readsBody, textsOf, VirtualUser } from '../../../src/load/k6/core.js';
import { renderPlan } from '../../../src/load/k6/plan.js';
import { createSchedule } from '../../../src/load/schedule.js';
import { loadSpec, uri } from '../../support/load.js';

const URIS = [uri('/a', { weight: 3 }), uri('/b'), uri('/c', { weight: 2 })];

describe("k6's virtual user", () => {
  it.each(['round-robin', 'shuffled'] as const)(
    'asks for what the same user of the node engine asks for, %s, at the same times',
    (order) => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 4 }), (seed, number) => {
          const model = {
            kind: 'closed',
            users: 5,
            thinkTime: { kind: 'uniform', minMs: millis(10), maxMs: millis(500) },
          } as const;
          const spec = loadSpec('http://x', { uris: URIS, order, seed, model });
          const { settings, laps } = renderPlan(spec);
          const user = new VirtualUser(settings, 0, laps[0] ?? [], number);
          const schedule = createSchedule(spec);
          const expected: [number, number][] = [];
          // Answers that take no time, until this user has had five turns.
          while (expected.length < 5) {
            const at = schedule.nextDue();
            schedule.take(at);
            if (schedule.user === number) expected.push([schedule.uri, schedule.due]);
            schedule.ended(schedule.user, schedule.due);
          }
          let at = user.firstPauseMs;
          const turns = expected.map(() => {
            const turn: [number, number] = [user.nextRequest(), at];
            at += user.nextPauseMs();
            return turn;
          });
          expect(turns).toEqual(expected);
        }),
        { numRuns: 50 },
      );
    },
  );

  it('draws a random order by weight', () => {
    const spec = loadSpec('http://x', { uris: URIS, order: 'random' });
    const { settings, laps } = renderPlan(spec);
    const user = new VirtualUser(settings, 0, laps[0] ?? [], 0);
    const seen = [0, 0, 0];
    for (let turn = 0; turn < 6000; turn++) seen[user.nextRequest()]! += 1;
    // Four standard deviations: sqrt(6000 / 4) x 4.
    for (const [index, share] of [3, 1, 2].entries()) expect(Math.abs(seen[index]! - share * 1000)).toBeLessThan(155);
  });

  it('does not pause between arrivals', () => {
    const model = { kind: 'open', ratePerSecond: 5, arrivals: 'constant', maxInFlight: 10 } as const;
    const { settings, laps } = renderPlan(loadSpec('http://x', { uris: URIS, model }));
    const user = new VirtualUser(settings, 0, laps[0] ?? [], 3);
    expect([user.firstPauseMs, user.nextPauseMs()]).toEqual([0, 0]);
  });
});

describe('what an answer tells', () => {
  const texts = textsOf({ versions: { v2: 'Loyalty', v3: 'Gold' }, failed: 'offline', byAbsence: 'v1' });
  const request = { name: '/d', method: 'GET', url: 'http://x/d', headers: {}, tellsVersion: true };
  const common = { uri: '/d' };

  it.each([
    ['a text of a version', 200, 'a Loyalty row', { version: 'v2', outcome: 'ok', status: '200' }],
    ['no text', 200, 'a page', { version: 'v1', outcome: 'ok', status: '200' }],
    ['two texts tell nothing', 200, 'Loyalty Gold', { version: 'unmarked', outcome: 'ok', status: '200' }],
    ['a redirect has no page', 302, null, { version: 'unmarked', outcome: 'ok', status: '302' }],
    [
      'the offline page',
      200,
      'offline',
      { version: 'unknown', outcome: 'failed', status: '200', error: 'offline-page' },
    ],
    ['an error', 503, 'Loyalty', { version: 'unknown', outcome: 'failed', status: '503', error: 'status' }],
  ])('%s', (_what, status, body, expected) => {
    expect(answerTags(texts, request, status, body)).toEqual({ ...common, ...expected });
  });

  it('is nothing where there was no answer', () => {
    expect(failureTags(request, 1050, 'request timeout')).toEqual({
      ...common,
      version: 'unknown',
      outcome: 'failed',
      status: '0',
      error: 'timeout',
    });
  });

  it('is not looked for where no text could tell', () => {
    expect(readsBody(texts, request)).toBe(true);
    expect(readsBody(texts, { ...request, method: 'HEAD' })).toBe(false);
    expect(readsBody(textsOf({ versions: { v2: 'Loyalty' } }), { ...request, tellsVersion: false })).toBe(false);
    expect(readsBody(textsOf({ versions: {} }), request)).toBe(false);
  });
});

it.each([
  [1050, 'request timeout', 'timeout'],
  [1211, 'dial: i/o timeout', 'connect-timeout'],
  [1212, 'dial: connection refused', 'connect-refused'],
  [1220, 'read: connection reset by peer', 'reset'],
  [1101, 'lookup: no such host', 'unknown-host'],
  [1310, 'x509: certificate signed by unknown authority', 'tls'],
  [1000, 'EOF', 'closed'],
  [1000, 'unexpected EOF', 'closed'],
  [1000, 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "x"', 'protocol'],
  [1200, 'dial tcp 127.0.0.1:80: connect: cannot assign requested address', 'out-of-ports'],
  [1200, 'dial tcp 127.0.0.1:80: socket: too many open files', 'out-of-sockets'],
  [1000, 'something new', 'other'],
])('k6 code %i (%s) is %s', (code, text, expected) => {
  expect(errorClass(code, text)).toBe(expected);
});
