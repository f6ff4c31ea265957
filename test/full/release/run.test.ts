import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { objectRef } from '../../../src/base/kubernetes.js';
import { millis, ratio } from '../../../src/base/units.js';
import { withoutVolatile } from '../../../src/cluster/objects.js';
import { readUndoFromDisk, UNDO_CONFIG_MAP } from '../../../src/cluster/undo.js';
import type { RunEventBody } from '../../../src/release/events.js';
import type { RunDeps, RunOptions } from '../../../src/release/options.js';
import { runRelease } from '../../../src/release/run.js';
import type { Scenario } from '../../../src/scenario/types.js';
import { freePort } from '../../support/load.js';
import { type PitstopLab, pitstopLab, Told } from '../../support/release.js';

let pitstop: PitstopLab;
beforeAll(async () => {
  pitstop = await pitstopLab('dark');
});
afterAll(() => pitstop.close());

/** Runs the dark stage (which deploys v2) unless told otherwise. */
async function run(
  told: Told,
  {
    options = pitstop.runOptions(['dark']),
    scenario = pitstop.scenario,
    ...deps
  }: Partial<RunDeps> & { options?: RunOptions; scenario?: Scenario } = {},
): Promise<RunOptions> {
  await runRelease(scenario, options, {
    clock: systemClock,
    client: pitstop.client,
    emit: told.emit,
    signal: new AbortController().signal,
    ...deps,
  });
  return options;
}

/** Everything that a run could touch. */
async function cluster(): Promise<Record<string, unknown>> {
  const kinds = [
    ['v1', 'Service'],
    ['v1', 'ConfigMap'],
    ['apps/v1', 'Deployment'],
    ['coordination.k8s.io/v1', 'Lease'],
    ['networking.istio.io/v1', 'VirtualService'],
  ] as const;
  const lists = await Promise.all(kinds.map(([version, kind]) => pitstop.client.list(version, kind, 'pitstop')));
  return Object.fromEntries(lists.flat().map((object) => [objectRef(object), withoutVolatile(object)]));
}

const leaseKey = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace: 'pitstop',
  name: 'weighbridge',
} as const;
const leaseOf = (holder: string) => ({
  apiVersion: leaseKey.apiVersion,
  kind: leaseKey.kind,
  metadata: { name: leaseKey.name, namespace: leaseKey.namespace },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: 30,
    renewTime: new Date().toISOString().replace('Z', '000Z'),
  },
});

describe('a run', () => {
  it('tells everything in order, passes, and puts the cluster back', async () => {
    const before = await cluster();
    const told = new Told();
    const options = await run(told);
    expect(told.types).toEqual([
      'run-started',
      'seeded',
      'load-started',
      'stage-started',
      'changed',
      'arrived',
      'objects',
      'window-opened',
      'window-closed',
      'objects',
      'stage-finished',
      'load-finished',
      'restored',
      'run-finished',
    ]);
    expect(told.of('changed')).toMatchObject([
      { object: 'Deployment/pitstop/customermanagementapi-v2', result: 'created' },
    ]);
    expect(told.of('window-closed')).toMatchObject([{ reason: 'decided' }]);
    expect(told.of('look').at(-1)?.look.settled).toBe(true);
    expect(told.of('restored')).toMatchObject([{ kept: false, objects: [{ result: 'deleted', note: '' }] }]);
    expect(told.model.stages[0]).toMatchObject({ verdict: 'pass' });
    expect(await cluster()).toEqual(before);
    expect(readUndoFromDisk(options.undoFile)).toBeUndefined();
  });

  it('leaves nothing secret in its events', async () => {
    const told = new Told();
    const withHeader = pitstop.scenario.load.uris.map((uri) => ({ ...uri, headers: { authorization: 'hunter2' } }));
    const stages = pitstop.scenario.stages.map((stage) => ({
      ...stage,
      apply: stage.apply.map((one) => ({
        ...one,
        object: { ...one.object, metadata: { ...one.object.metadata, annotations: { note: 'hunter2' } } },
      })),
    }));
    const options = pitstop.runOptions(['dark'], {
      target: { ...pitstop.runOptions([]).target, prometheusUrl: `http://user:hunter2@127.0.0.1:${await freePort()}` },
    });
    const load = { ...pitstop.scenario.load, uris: withHeader };
    await run(told, { options, scenario: { ...pitstop.scenario, load, stages } });
    const started = JSON.stringify(told.of('run-started'));
    expect(started).toContain('authorization');
    expect(started).not.toContain('hunter2');
  });

  it('stays in place with --keep when it passed, and forgets how to undo it', async () => {
    const before = await cluster();
    const told = new Told();
    const options = await run(told, { options: pitstop.runOptions(['dark'], { keep: true }) });
    expect(told.of('restored')).toEqual([{ type: 'restored', objects: [], kept: true }]);
    const after = await cluster();
    expect(Object.keys(after)).toEqual(expect.arrayContaining(['Deployment/pitstop/customermanagementapi-v2']));
    expect(after).not.toHaveProperty(`ConfigMap/pitstop/${UNDO_CONFIG_MAP}`);
    expect(after).not.toHaveProperty('Lease/pitstop/weighbridge');
    expect(readUndoFromDisk(options.undoFile)).toBeUndefined();
    await pitstop.client.remove({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'pitstop',
      name: 'customermanagementapi-v2',
    });
    expect(await cluster()).toEqual(before);
  });

  it('ends with exit code 4 before any load when a required vantage point does not answer', async () => {
    const told = new Told();
    const { target } = pitstop.runOptions([]);
    const prometheusUrl = `http://127.0.0.1:${await freePort()}`;
    await run(told, { options: pitstop.runOptions(['dark'], { target: { ...target, prometheusUrl } }) });
    expect(told.types).toEqual(['run-started', 'failed', 'run-finished']);
    expect(told.of('failed')[0]?.message).toContain(prometheusUrl);
    expect(told.model.exitCode).toBe(4);
    expect(await pitstop.client.get(leaseKey)).toBeUndefined();
  });

  it('ends with exit code 3 before anything else when a stage changes a Secret', async () => {
    const told = new Told();
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'pitstop' } };
    const stages = pitstop.scenario.stages.map((stage) => ({
      ...stage,
      apply: [...stage.apply, { object: secret, file: 's.yaml', line: 3, lines: {} }],
    }));
    await run(told, { scenario: { ...pitstop.scenario, stages } });
    expect(told.types).toEqual(['run-started', 'failed', 'run-finished']);
    expect(told.of('failed')[0]?.message).toMatch(/^s\.yaml:3: /);
    expect(told.model.exitCode).toBe(3);
  });

  it('ends with exit code 4 when another run works in the namespace, and leaves it alone', async () => {
    const other = await pitstop.client.create(leaseOf('elsewhere/1/run-0'));
    const told = new Told();
    await run(told);
    expect(told.of('failed')).toMatchObject([{ code: 'E_LEASE', exitCode: 4 }]);
    expect(told.of('load-started')).toEqual([]);
    expect(await pitstop.client.get(leaseKey)).toEqual(other);
    await pitstop.client.remove(leaseKey);
  });

  it('does not start when what an earlier run left cannot be put back', async () => {
    const told = new Told();
    const key = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'gone', name: 'c' };
    const left = pitstop.undoList();
    await left.record(key, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'gone' } });
    await run(told);
    expect(told.of('failed')).toMatchObject([
      { code: 'E_RESTORE', exitCode: 4, message: expect.stringContaining('gone/c') },
    ]);
    expect(told.of('load-started')).toEqual([]);
    await left.forget();
  });

  it.each([
    ['arrived', 'once'],
    ['look', 'once'],
    ['stage-started', 'for good'],
  ] as const)('puts the cluster back when %s cannot be recorded (%s)', async (type, how) => {
    const before = await cluster();
    const told = new Told();
    let full = false;
    await run(told, {
      emit(event: RunEventBody) {
        if (full && how === 'for good') throw new Error('no space left on device');
        if (!full && event.type === type) {
          full = true;
          throw new Error('no space left on device');
        }
        told.emit(event);
      },
    });
    expect(full).toBe(true);
    if (how === 'once') {
      expect(told.of('failed')).toMatchObject([{ message: 'no space left on device', exitCode: 4 }]);
      expect(told.types.slice(-3)).toEqual(['load-finished', 'restored', 'run-finished']);
      expect(told.model.exitCode).toBe(4);
    }
    expect(await cluster()).toEqual(before);
  });

  it.each([
    ['the wait for its arrival', 'waiting', 'SIGINT', 130],
    ['the warm-up', 'arrived', 'SIGTERM', 143],
    ['the counting window', 'look', 'SIGINT', 130],
  ] as const)('puts the cluster back when it is interrupted in %s', async (_sentence, type, signal, exitCode) => {
    const before = await cluster();
    const told = new Told();
    const interrupt = new AbortController();
    // Undecided for a while, so that there is a window to be interrupted.
    const stages = pitstop.scenario.stages.map((stage) => ({
      ...stage,
      precision: { ...stage.precision, absence: ratio(0.0001) },
    }));
    await run(told, {
      scenario: { ...pitstop.scenario, stages },
      signal: interrupt.signal,
      emit(event) {
        told.emit(event);
        if (event.type === type) interrupt.abort(signal);
      },
    });
    expect(told.types.slice(-4)).toEqual(['interrupted', 'load-finished', 'restored', 'run-finished']);
    expect(told.of('failed')).toEqual([]);
    expect(told.of('window-closed').map(({ reason }) => reason)).toEqual(type === 'look' ? ['interrupted'] : []);
    expect(told.model.exitCode).toBe(exitCode);
    expect(await cluster()).toEqual(before);
  });

  it('ends when its lease is lost, and leaves alone what the other run does', async () => {
    const before = await cluster();
    const told = new Told();
    // Renews the lease at once instead of after 10 s.
    const hasty: Clock = {
      now: systemClock.now,
      wallMs: systemClock.wallMs,
      sleepUntil: (at, signal) =>
        systemClock.sleepUntil(at - systemClock.now() > 9000 ? millis(systemClock.now() + 300) : at, signal),
    };
    const theirs = pitstop.undoList();
    let taken: Promise<unknown> | undefined;
    await run(told, {
      clock: hasty,
      emit(event) {
        told.emit(event);
        if (event.type !== 'window-opened') return;
        taken = (async () => {
          await theirs.record(
            { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', namespace: 'pitstop', name: 'theirs' },
            undefined,
          );
          const live = await pitstop.client.get(leaseKey);
          await pitstop.client.remove(leaseKey);
          if (live) await pitstop.client.create(leaseOf('elsewhere/1/theirs'));
        })();
      },
    });
    await taken;
    expect(told.of('failed')).toMatchObject([{ code: 'E_LEASE', exitCode: 4 }]);
    expect(told.of('restored')).toEqual([{ type: 'restored', objects: [], kept: false }]);
    expect(await pitstop.client.get(leaseKey)).toMatchObject({ spec: { holderIdentity: 'elsewhere/1/theirs' } });
    await pitstop.client.remove(leaseKey);
    await theirs.undo();
    await pitstop.client.remove({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'pitstop',
      name: 'customermanagementapi-v2',
    });
    expect(await cluster()).toEqual(before);
  });
});
