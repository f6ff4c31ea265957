import { afterEach, describe, expect, it, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { EnvironmentError } from '../../src/base/errors.js';
import { Store } from '../../src/lab/control/store.js';
import { Storage } from '../../src/lab/prometheus/storage.js';
import { type KialiAuth, kialiObserver } from '../../src/observe/kiali.js';
import { WATCHED } from './observe.js';
import { bothSides, feedStreams, type Stream } from './telemetry.js';

const NOW_SECONDS = 1_760_000_000;
const SERVICE = WATCHED.service;
const TOKEN = 'secret-token';

export interface KialiGiven {
  /** Holds the namespace `pitstop`. */
  readonly store: Store;
  /** Samples up to NOW. */
  readonly storage: Storage;
  /** The only one that is accepted; undefined: nobody logs in. */
  readonly token: string | undefined;
}

export interface KialiUnderTest {
  /** With `/kiali`. */
  readonly url: string;
  /** Another process at the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A clock whose wall time the test moves. */
function wallClock(): Clock & { seconds: number } {
  return {
    ...systemClock,
    seconds: NOW_SECONDS,
    wallMs() {
      return this.seconds * 1000;
    },
  };
}

export function observeKiali(
  url: string,
  auth: KialiAuth = { strategy: 'anonymous' },
  scenario = WATCHED,
  timeoutMs = 5000,
) {
  const clock = wallClock();
  return { clock, observer: kialiObserver({ url, auth, scenario, clock, timeoutMs }) };
}

/** A window of a minute that ends at NOW. */
async function look(url: string, auth?: KialiAuth) {
  const { clock, observer } = observeKiali(url, auth);
  clock.seconds = NOW_SECONDS - 60;
  await observer.open();
  clock.seconds = NOW_SECONDS;
  const observation = await observer.look();
  if (observation.status !== 'ok') throw new Error(observation.reason);
  return observation;
}

const split = (v1: number, v2: number): Stream[] => [
  ...bothSides({ from: 'webapp', to: `${SERVICE}-v1`, service: SERVICE, rate: v1 }),
  ...bothSides({ from: 'webapp', to: `${SERVICE}-v2`, service: SERVICE, rate: v2 }),
];

/** What the graph vantage point must do, whichever Kiali it asks. */
export function kialiObserverSuite(start: (given: KialiGiven) => Promise<KialiUnderTest>): void {
  const open: KialiUnderTest[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  const kialiOver = async (streams: readonly Stream[], token?: string): Promise<KialiUnderTest> => {
    const storage = new Storage();
    feedStreams(storage, streams, NOW_SECONDS * 1000);
    const store = new Store();
    const metadata = { name: 'pitstop', creationTimestamp: '2020-01-01T00:00:00Z' };
    store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
    const kiali = await start({ store, storage, token });
    open.push(kiali);
    return kiali;
  };

  describe('the graph', () => {
    it('turns the rates of the service node into counts of the window', async () => {
      const { url } = await kialiOver([
        ...split(9, 1),
        ...bothSides({ from: 'webapp', to: `${SERVICE}-v2`, service: SERVICE, rate: 0.5, code: '500' }),
        ...bothSides({ from: 'batch', to: `${SERVICE}-v1`, service: SERVICE, rate: 2 }),
      ]);
      const { counts, rounding, graph } = await look(url);
      expect(rounding).toBeCloseTo(0.005 * 60 + 1);
      const near = (value: number | undefined, expected: number) =>
        expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThanOrEqual(rounding);
      near(counts.versions.v1?.total, 660);
      near(counts.versions.v2?.total, 90);
      near(counts.versions.v2?.failed, 30);
      near(counts.foreign['batch.pitstop'], 120);
      near(counts.unknown.total, 0);
      const service = graph?.nodes.find(({ kind, label }) => kind === 'service' && label === SERVICE);
      const edges = graph?.edges.filter(({ from }) => from === service?.id) ?? [];
      expect(edges.map(({ percent, errorPercent }) => [percent, errorPercent]).sort()).toEqual([
        [12, 33.3],
        [88, 0],
      ]);
      expect(graph?.nodes.map(({ label }) => label)).toContain(`${SERVICE} v2`);
    });

    it('shows mirror copies as traffic of the mirror', async () => {
      const { url } = await kialiOver([
        ...bothSides({ from: 'webapp', to: `${SERVICE}-v1`, service: SERVICE, rate: 10 }),
        { reporter: 'destination', from: 'webapp', to: `${SERVICE}-v2`, service: SERVICE, rate: 10 },
      ]);
      const { counts, graph } = await look(url);
      expect(counts.versions).toEqual({ v1: { total: 600, failed: 0 }, v2: { total: 600, failed: 0 } });
      const service = graph?.nodes.find(({ kind }) => kind === 'service');
      expect(service).toMatchObject({ inRate: 20, outRate: 20 });
    });

    it('counts what reached no version as lost', async () => {
      const { url } = await kialiOver([
        ...split(9, 0).slice(0, 2),
        { reporter: 'source', from: 'webapp', service: SERVICE, rate: 3, code: '503', flags: 'UH' },
      ]);
      const { counts } = await look(url);
      expect(counts.unknown.total).toBeCloseTo(180, 0);
      expect(counts.unknown.failed).toBe(counts.unknown.total);
      expect(counts.versions).toMatchObject({ v2: { total: 0, failed: 0 } });
    });

    it('says that the graph is empty instead of counting zero', async () => {
      const { url } = await kialiOver([]);
      await expect(look(url)).rejects.toThrow(/shows no request to customermanagementapi\.pitstop in the last 60 s/);
    });

    it('names a namespace that it may not see', async () => {
      const { url } = await kialiOver(split(9, 1));
      const { observer } = observeKiali(url, undefined, { ...WATCHED, namespace: 'nowhere' });
      await expect(observer.check()).rejects.toThrow(
        /does not show it: .*Requested namespace \[nowhere\] is not accessible/,
      );
    });

    it('is found by its address with its base path, with a slash behind it, and without both', async () => {
      const { url } = await kialiOver(split(9, 1));
      for (const address of [url, `${url}/`, url.replace(/\/kiali$/, '')]) {
        await observeKiali(address).observer.check();
        expect((await look(address)).counts.versions.v1?.total).toBeGreaterThan(500);
      }
    });
  });

  describe('logging in', () => {
    const auth = { strategy: 'token', token: TOKEN } as const;

    it('takes a token in a form and keeps the session', async () => {
      const { url } = await kialiOver(split(9, 1), TOKEN);
      await observeKiali(url, auth).observer.check();
      expect((await look(url, auth)).counts.versions.v2?.total).toBeGreaterThan(50);
    });

    it('goes on when another process answers at the same address', async () => {
      const kiali = await kialiOver(split(9, 1), TOKEN);
      const { clock, observer } = observeKiali(kiali.url, auth);
      await observer.check();
      clock.seconds = NOW_SECONDS - 60;
      await observer.open();
      clock.seconds = NOW_SECONDS;
      await kiali.restart();
      expect(await observer.look()).toMatchObject({ status: 'ok' });
    });

    test.each([
      ['a wrong token', { strategy: 'token', token: 'wrong' }, /does not accept the token \(status 401\)/],
      ['a missing token', { strategy: 'anonymous' }, /asks for a token/],
    ] as const)('%s is an environment error that keeps the secret', async (_case, given, message) => {
      const { url } = await kialiOver([], TOKEN);
      const error = await observeKiali(url, given)
        .observer.check()
        .then(
          () => undefined,
          (caught: unknown) => caught,
        );
      expect(error).toBeInstanceOf(EnvironmentError);
      expect((error as EnvironmentError).message).toMatch(message);
      expect((error as EnvironmentError).message).toContain(url.replace(/\/kiali$/, ''));
      expect(`${(error as EnvironmentError).message}${(error as EnvironmentError).hint}`).not.toMatch(/wrong|secret/);
    });
  });
}
