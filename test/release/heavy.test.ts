import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../src/base/errors.js';
import { type Lab, startLab } from '../../src/lab/lab.js';
import { type HeavyResult, invalidBecause } from '../../src/load/k6/heavyResult.js';
import { summaryOf } from '../../src/load/k6/summary.js';
import type { HeavyEvent } from '../../src/release/heavyTypes.js';
import { type GivenHeavy, heavyLoad, hurried, leftBy } from '../support/heavy.js';
import { type StandInScript, standInK6 } from '../support/k6.js';
import { serveHttp } from '../support/load.js';
import { eventually } from '../support/poll.js';
import { remoteWrite } from '../support/remoteWrite.js';

let lab: Lab;
const events: HeavyEvent[] = [];
beforeEach(async () => {
  events.length = 0;
  lab = await startLab({ objects: [], apps: {}, propagationMs: 20, scrapeIntervalMs: 60_000, k6: standInK6() });
  lab.store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'load' } });
});
afterEach(() => lab.close());

const stages = () => events.flatMap((event) => (event.type === 'stage' ? [event.stage] : []));
const left = () => leftBy(lab);

const HOUR_MS = 3_600_000;

type Given = Omit<GivenHeavy, 'script'>;

/** A load of two runners; the stand-in for k6 does what the script says. */
const heavy = (script: StandInScript, given: Given = {}): Promise<HeavyResult> =>
  heavyLoad(lab, {
    script: JSON.stringify(script),
    clock: hurried(20),
    // Of the hurried clock: half a minute of this machine's, however busy.
    startTimeoutMs: 600_000,
    emit: (event) => events.push(event),
    ...given,
  });

const refusal = async (run: Promise<unknown>): Promise<EnvironmentError> => {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EnvironmentError);
  return error as EnvironmentError;
};

/** Five requests of each runner, answered, as the runners would write them. */
const written = (requests = 5) =>
  ['1', '2'].flatMap((instance_id) =>
    [
      ['weighbridge_requests', {}],
      ['weighbridge_answers', { version: 'v1', outcome: 'ok', status: '200' }],
    ].map(([name, labels]) => ({
      labels: { __name__: `k6_${name as string}_total`, testid: 'r1', uri: '/', instance_id, ...(labels as object) },
      samples: [[Date.now(), requests] as const],
    })),
  );
const totals = { ...summaryOf({ metrics: {} }), requests: 5, answers: 5, versions: { v1: 5 } };
const prints = `WEIGHBRIDGE_SUMMARY ${JSON.stringify(totals)}`;

test('the stages are followed, the counters of all runners added up, and everything deleted', async () => {
  await remoteWrite(lab.prometheusUrl, written());
  const result = await heavy({ exit: 0, prints });
  expect(stages().at(-1)).toMatch(/started|stopped|finished/);
  expect(result.merged.counts).toMatchObject({ sent: 10, ended: 10, versions: { v1: 10 }, status: { 200: 10 } });
  expect(result.runners).toMatchObject([
    { index: 1, state: 'ended', exitCode: 0, differences: [] },
    { index: 2, state: 'ended', exitCode: 0, differences: [] },
  ]);
  expect(invalidBecause(result)).toEqual([]);
  expect(left()).toEqual([]);
});

describe('what makes a load invalid is told, and what was counted is kept', () => {
  test('writes that were lost', async () => {
    await remoteWrite(lab.prometheusUrl, written(4));
    const result = await heavy({ exit: 0, prints });
    expect(invalidBecause(result)).toEqual([
      expect.stringContaining(
        'runner 1: Prometheus lacks what it wrote; requests: 4 in Prometheus, 5 in its totals; answers: 4',
      ),
      expect.stringContaining('runner 2: '),
    ]);
    expect(result.merged.counts.ended).toBe(8);
    expect(left()).toEqual([]);
  });

  test('a TestRun that somebody else deletes', async () => {
    await remoteWrite(lab.prometheusUrl, written());
    const running = heavy({ prints }, { durationMs: HOUR_MS });
    running.catch(() => undefined);
    await eventually(() => expect(events).toContainEqual(expect.objectContaining({ type: 'progress', running: 2 })));
    lab.store.remove('testruns.k6.io', 'load', 'heavy');
    const result = await running;
    expect(result.cut).toContain('deleted by somebody else');
    expect(result.merged.counts.ended).toBe(10);
    expect(left()).toEqual([]);
  });

  test('runners that do not come to an end', async () => {
    const result = await heavy({ prints }, { durationMs: 1, clock: hurried(100), startTimeoutMs: 3_000_000 });
    expect(invalidBecause(result)[0]).toMatch(/have not ended 90 s after/);
    // The hurried clock does not wait for the pods' own end.
    await eventually(() => expect(left()).toEqual([]));
  });
});

describe('a load that does not start says why, and leaves nothing', () => {
  test('an image that cannot be pulled', async () => {
    const error = await refusal(heavy({}, { runners: { image: 'nowhere/other:1' }, startTimeoutMs: 20_000 }));
    expect(error).toMatchObject({ code: 'E_RUNNERS', hint: expect.stringContaining('--runner-image') });
    expect(error.message).toContain('ErrImagePull');
    expect(left()).toEqual([]);
  });

  test('a namespace that is not there', async () => {
    expect((await refusal(heavy({}, { namespace: 'nowhere' }))).code).toBe('E_NAMESPACE');
  });

  test('a cluster without the operator', async () => {
    const server = await serveHttp((request, response) => {
      response.statusCode = request.url === '/version' ? 200 : 404;
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
    const error = await refusal(heavy({}, { kubeconfig: lab.kubeconfig.replaceAll(lab.apiUrl, server.url) }));
    await server.close();
    expect(error).toMatchObject({ code: 'E_OPERATOR', hint: expect.stringContaining('helm install k6-operator') });
  });

  test('a Prometheus that takes no remote writes', async () => {
    const flags = { status: 'success', data: { 'web.enable-remote-write-receiver': 'false' } };
    const server = await serveHttp((_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(flags));
    });
    const error = await refusal(heavy({}, { prometheusUrl: server.url }));
    await server.close();
    expect(error.code).toBe('E_REMOTE_WRITE');
    expect(left()).toEqual([]);
  });
});
