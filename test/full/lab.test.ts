import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect, test } from 'vitest';
import { type Lab, startLab } from '../../src/lab/lab.js';
import { APP, apply, manifests, samples } from '../support/labPitstop.js';
import { eventually } from '../support/poll.js';

const PAGES_PER_SECOND = 800;
const SECONDS = 60;
const CONNECTIONS = 64;
const VIRTUAL_SERVICES = 'virtualservices.networking.istio.io';

const CHANGES: readonly ((lab: Lab) => void)[] = [
  (lab) => apply(lab, 'customermanagementapi-canary.yaml'),
  (lab) => apply(lab, 'customermanagementapi-mirror.yaml'),
  (lab) => lab.store.remove(VIRTUAL_SERVICES, 'pitstop', 'customermanagementapi'),
];

async function detailsPath(lab: Lab): Promise<string> {
  await eventually(async () => {
    const body = new URLSearchParams({ 'Customer.Name': 'Wanda' });
    const url = `${lab.baseUrl}/CustomerManagement/Register`;
    expect((await fetch(url, { method: 'POST', body, redirect: 'manual' })).status).toBe(302);
  });
  const list = await (await fetch(`${lab.baseUrl}/CustomerManagement`)).text();
  return /href="(\/CustomerManagement\/Details\/[^"]+)"/.exec(list)?.[1] ?? '';
}

const megabytes = (): number => process.memoryUsage().rss / 2 ** 20;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const openSockets = () => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe/.test(name)).length;

/** Fetches pages at their due times from a few connections. @returns what was not a page of the customer. */
async function load(
  lab: Lab,
  path: string,
  onSecond: (second: number) => void,
): Promise<{ pages: number; bad: string[] }> {
  const pool = new Pool(lab.baseUrl, { connections: CONNECTIONS });
  const start = performance.now();
  const bad: string[] = [];
  let next = 0;
  let seconds = 0;
  const user = async () => {
    for (;;) {
      const index = next++;
      const dueMs = (index * 1000) / PAGES_PER_SECOND;
      if (dueMs >= SECONDS * 1000) return;
      const early = dueMs - (performance.now() - start);
      if (early > 0) await pause(early);
      if (dueMs >= seconds * 1000) onSecond(seconds++);
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      const text = await body.text();
      if (statusCode !== 200 || !text.includes('Wanda')) bad.push(`${statusCode} ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, user));
  await pool.close();
  return { pages: SECONDS * PAGES_PER_SECOND, bad };
}

/** Requests to the service under release, as its callers' sidecars count them. */
const callsOf = async (lab: Lab): Promise<Record<string, string>[]> =>
  (await samples(lab)).filter(
    ({ name, reporter, destination_service_name: service }) =>
      name === 'istio_requests_total' && reporter === 'source' && service === 'customermanagementapi',
  );

/** How many of them failed; 201 is the customer's registration. */
const failures = (calls: readonly Record<string, string>[]): number =>
  calls
    .filter(({ response_code = '', response_flags }) => !/^20[01]$/.test(response_code) || response_flags !== '-')
    .reduce((sum, { value }) => sum + Number(value), 0);

test('a minute of load under a change of routes every second: no bad answer, no growing memory, nothing left', async () => {
  const before = openSockets();
  const faults: unknown[] = [];
  const objects = manifests(
    ...APP,
    'customermanagementapi-v1.yaml',
    'customermanagementapi-v2.yaml',
    'customermanagementapi-svc-open.yaml',
    'customermanagementapi-dr.yaml',
  );
  const lab = await startLab({ objects, apps: {}, propagationMs: 100, onError: (error) => faults.push(error) });
  try {
    const path = await detailsPath(lab);
    await eventually(() => {
      for (const version of ['v1', 'v2'])
        expect(lab.store.get('deployments.apps', 'pitstop', `customermanagementapi-${version}`)?.status).toMatchObject({
          availableReplicas: 1,
        });
    }, 20_000);
    const failedBefore = failures(await callsOf(lab));
    const memory: number[] = [];
    const { pages, bad } = await load(lab, path, (second) => {
      CHANGES[second % CHANGES.length]?.(lab);
      memory.push(megabytes());
    });
    expect(bad).toEqual([]);
    expect(faults).toEqual([]);
    expect(memory).toHaveLength(SECONDS);
    // The first quarter warms up code and pools; what follows must not grow.
    const [second, last] = [memory.slice(SECONDS / 4, SECONDS / 2), memory.slice((SECONDS * 3) / 4)].map(median);
    expect(last ?? 0).toBeLessThan((second ?? 0) * 1.2);

    const calls = await callsOf(lab);
    // The web app tries again what failed, so only its sidecar could tell. Before the load the pods were still starting.
    expect(failures(calls)).toBe(failedBefore);
    const total = calls.reduce((sum, { value }) => sum + Number(value), 0);
    expect(total).toBeGreaterThanOrEqual(pages);
    // A call that failed before the pods were ready reached no version.
    const served = calls.filter(({ response_flags }) => response_flags === '-');
    expect(new Set(served.map(({ destination_canonical_revision: version }) => version))).toEqual(
      new Set(['v1', 'v2']),
    );
  } finally {
    await lab.close();
  }
  await eventually(() => expect(openSockets()).toBeLessThanOrEqual(before));
  for (const url of [lab.baseUrl, lab.apiUrl, lab.prometheusUrl, lab.kialiUrl])
    await expect(fetch(url)).rejects.toThrow();
});
