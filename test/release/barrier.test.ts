import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { millis } from '../../src/base/units.js';
import { type Arrival, type BarrierInput, waitForArrival } from '../../src/release/barrier.js';
import { applyStage } from '../../src/release/changes.js';
import { type PitstopLab, pitstopLab, restrictedClient, stageOf } from '../support/release.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function labBefore(...options: Parameters<typeof pitstopLab>): Promise<PitstopLab> {
  const pitstop = await pitstopLab(...options);
  closers.push(pitstop.close);
  return pitstop;
}

/** Waits for a stage; `said` are the things that were waited for. */
async function arrival(
  { client, scenario }: PitstopLab,
  stage: string,
  extra: Partial<BarrierInput> = {},
): Promise<{ arrival: Arrival; said: string[] }> {
  const said: string[] = [];
  const result = await waitForArrival({
    client,
    scenario,
    stage: stageOf(scenario, stage),
    clock: systemClock,
    signal: new AbortController().signal,
    answers: () => ({}),
    waitingFor: (what) => said.push(what),
    ...extra,
  });
  return { arrival: result, said };
}

const withoutSidecar = (objects: KubeObject[]): KubeObject[] =>
  objects.map((object) => {
    if (object.kind !== 'Deployment' || object.metadata.name !== 'webapp') return object;
    const edited = structuredClone(object) as KubeObject & {
      spec: { template: { metadata: Record<string, unknown> } };
    };
    edited.spec.template.metadata.annotations = { 'sidecar.istio.io/inject': 'false' };
    return edited;
  });

describe('the barrier', () => {
  it('passes when the tables of the callers hold the change, not before it has travelled', async () => {
    const pitstop = await labBefore('canary', { propagationMs: 700 });
    await arrival(pitstop, 'mirror');
    const changedAt = systemClock.now();
    await applyStage(pitstop.client, stageOf(pitstop.scenario, 'canary'), pitstop.undoList(), () => {});
    const { arrival: result, said } = await arrival(pitstop, 'canary');
    expect(result).toMatchObject({ arrived: true, how: 'config-dump', inferred: false });
    // Timers may fire a millisecond early.
    expect(systemClock.now() - changedAt).toBeGreaterThanOrEqual(698);
    expect(said.join('\n')).toMatch(/route tables: webapp-/);
  });

  it('waits for the pods of a Deployment first, and says which', async () => {
    const pitstop = await labBefore('dark', { apps: { 'customermanagementapi-v2': { startUp: millis(500) } } });
    await applyStage(pitstop.client, stageOf(pitstop.scenario, 'dark'), pitstop.undoList(), () => {});
    const { arrival: result, said } = await arrival(pitstop, 'dark');
    expect(result).toMatchObject({ arrived: true, how: 'config-dump' });
    expect(said[0]).toMatch(/^customermanagementapi-v2: /);
  });

  it('gives up on a Deployment that never gets ready, and says what is missing', async () => {
    const pitstop = await labBefore('dark', { apps: { 'customermanagementapi-v2': { startUp: millis(60_000) } } });
    await applyStage(pitstop.client, stageOf(pitstop.scenario, 'dark'), pitstop.undoList(), () => {});
    const { arrival: result } = await arrival(pitstop, 'dark', { timeoutMs: 500 });
    expect(result).toEqual({
      arrived: false,
      detail: 'still waiting for customermanagementapi-v2: 0 of 1 replicas available',
    });
  });

  it('asks istiod where the tables may not be read', async () => {
    const pitstop = await labBefore('canary');
    const restricted = await restrictedClient(pitstop, [15000]);
    closers.push(restricted.close);
    await applyStage(pitstop.client, stageOf(pitstop.scenario, 'canary'), pitstop.undoList(), () => {});
    const { arrival: result } = await arrival(pitstop, 'canary', { client: restricted.client });
    expect(result).toMatchObject({ arrived: true, how: 'syncz', inferred: false });
    expect(result.detail).toMatch(/15000.* 403/);
  });

  it('infers from the answers where neither may be read', async () => {
    const pitstop = await labBefore('canary');
    const restricted = await restrictedClient(pitstop, [15000, 15014]);
    closers.push(restricted.close);
    const startedAt = systemClock.now();
    let asked = 0;
    const { arrival: result, said } = await arrival(pitstop, 'mirror', {
      client: restricted.client,
      // v2 still answers when it is first asked, and v1 all the time.
      answers() {
        asked += 1;
        return { v1: asked, v2: Math.min(asked, 3) };
      },
    });
    expect(result).toMatchObject({ arrived: true, how: 'probes', inferred: true });
    expect(result.detail).toMatch(/15000.*15014/);
    expect(said.at(-1)).toBe('answers from v1, and none from v2');
    expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(3000);
  });

  it('infers from the answers when the caller has no sidecar, and gives up in time when they stay wrong', async () => {
    const pitstop = await labBefore('canary', { edit: withoutSidecar });
    let asked = 0;
    const { arrival: result } = await arrival(pitstop, 'canary', {
      answers() {
        asked += 1;
        return { v1: asked, v2: 0 };
      },
      timeoutMs: 4000,
    });
    expect(result).toEqual({
      arrived: false,
      detail: 'no pod of webapp has a sidecar; the versions that answer are not yet the expected ones',
    });
  });

  it('ends at once when it is interrupted', async () => {
    const pitstop = await labBefore('dark');
    const interrupt = new AbortController();
    const { arrival: result } = await arrival(pitstop, 'dark', {
      signal: interrupt.signal,
      waitingFor: () => interrupt.abort(),
    });
    expect(result).toEqual({ arrived: false, detail: 'interrupted' });
  });

  it('waits for an API server that does not answer', async () => {
    const pitstop = await labBefore('canary');
    const restricted = await restrictedClient(pitstop, []);
    await restricted.client.check();
    await restricted.close();
    const { arrival: result } = await arrival(pitstop, 'mirror', { client: restricted.client, timeoutMs: 400 });
    expect(result.detail).toMatch(/still waiting for the Kubernetes API server .* does not answer/);
    expect(result.arrived).toBe(false);
  });
});
