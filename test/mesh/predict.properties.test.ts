import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import { compileRouter } from '../../src/mesh/router.js';
import type { ProxyConfig } from '../../src/mesh/types.js';
import { caller } from '../support/mesh.js';
import { objectsOf, type PlainWorld, plainWorld } from '../support/meshArbitraries.js';

const RUNS = { seed: 20260101, numRuns: 200 };

interface Outcome {
  readonly share: Record<string, number>;
  readonly failed: Record<string, number>;
  readonly mirrored: Record<string, number>;
}

/** The same question answered from the plain world, rule by rule and pod by pod, without the compiler. */
function reference(world: PlainWorld, x: string): Outcome {
  const outcome: Outcome = { share: {}, failed: {}, mirrored: {} };
  const add = (into: Record<string, number>, key: string, amount: number) => {
    if (amount > 0) into[key] = (into[key] ?? 0) + amount;
  };
  const behind = (subset: string): string[] | undefined => {
    if (subset !== '' && world.subsets[subset] === undefined) return undefined;
    return world.pods
      .filter((pod) => pod.ready)
      .map((pod) => pod.version)
      .filter((version) => world.pinned === undefined || version === world.pinned)
      .filter((version) => subset === '' || version === world.subsets[subset]);
  };
  const send = (subset: string, amount: number) => {
    const versions = behind(subset);
    if (!versions) add(outcome.failed, '503 NC', amount);
    else if (versions.length === 0) add(outcome.failed, '503 UH', amount);
    else for (const version of versions) add(outcome.share, version, amount / versions.length);
  };
  if (world.rules.length === 0) {
    send('', 1);
    return outcome;
  }
  const rule = world.rules.find((candidate) => candidate.x === undefined || candidate.x === x);
  if (!rule) {
    add(outcome.failed, '404 NR', 1);
    return outcome;
  }
  const passed = 1 - rule.abortPercent / 100;
  add(outcome.failed, '555 FI', rule.abortPercent / 100);
  const total = rule.weights.reduce((sum, entry) => sum + entry.weight, 0);
  if (rule.weights.length === 1) send(rule.weights[0]!.subset, passed);
  else for (const { subset, weight } of rule.weights) if (weight > 0) send(subset, (passed * weight) / total);
  if (rule.mirror) {
    const versions = behind(rule.mirror.subset) ?? [];
    const copies = (passed * rule.mirror.percent) / 100;
    if (versions.length === 0) add(outcome.mirrored, 'lost', copies);
    for (const version of versions) add(outcome.mirrored, version, copies / versions.length);
  }
  return outcome;
}

const near = (a: Record<string, number>, b: Record<string, number>) =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => Math.abs((a[key] ?? 0) - (b[key] ?? 0)) < 1e-9);

const request = (x: string) => ({ port: 80, host: 'shop', method: 'GET', path: '/', headers: { x } });
const versionOf = (labels: Readonly<Record<string, string>>) => labels.version;

describe('prediction', () => {
  it('equals a plain reference that knows nothing of clusters and routes', () => {
    fc.assert(
      fc.property(plainWorld, fc.constantFrom('0', '1', '2'), (world, x) => {
        const config = compileProxyConfig(objectsOf(world), caller());
        const predicted = predictShare(config, request(x), versionOf);
        const expected = reference(world, x);
        for (const part of ['share', 'failed', 'mirrored'] as const) {
          if (!near(predicted[part], expected[part])) {
            throw new Error(`${part}: ${JSON.stringify(predicted[part])} instead of ${JSON.stringify(expected[part])}`);
          }
        }
      }),
      RUNS,
    );
  });

  it('sums to 1 whatever the objects', () => {
    fc.assert(
      fc.property(plainWorld, fc.constantFrom('0', '1'), (world, x) => {
        const { share, failed } = predictShare(compileProxyConfig(objectsOf(world), caller()), request(x), versionOf);
        const sum = [...Object.values(share), ...Object.values(failed)].reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(1, 9);
      }),
      RUNS,
    );
  });

  it('is what simulated requests through the router show, within five sigma', () => {
    fc.assert(
      fc.property(plainWorld, fc.integer(), (world, seed) => {
        const config = compileProxyConfig(objectsOf(world), caller());
        const { share, failed } = predictShare(config, request('1'), versionOf);
        const counts = simulate(config, seed, 2000);
        for (const [key, probability] of Object.entries({ ...share, ...failed })) {
          const sigma = Math.sqrt(2000 * probability * (1 - probability));
          expect(Math.abs((counts[key] ?? 0) - 2000 * probability)).toBeLessThanOrEqual(5 * sigma + 1e-6);
        }
      }),
      { ...RUNS, numRuns: 25 },
    );
  });

  it('does not depend on the order of the objects', () => {
    fc.assert(
      fc.property(plainWorld, fc.integer(), (world, seed) => {
        const ordered = objectsOf(world);
        const random = seededRandom(seed);
        const shuffled = ordered.map((object) => ({ object, at: random() })).sort((a, b) => a.at - b.at);
        expect(
          compileProxyConfig(
            shuffled.map(({ object }) => object),
            caller(),
          ),
        ).toEqual(compileProxyConfig(ordered, caller()));
      }),
      { ...RUNS, numRuns: 60 },
    );
  });
});

/** Requests drawn one by one as a proxy does: fault, weighted destination, any ready pod. */
function simulate(config: ProxyConfig, seed: number, requests: number): Record<string, number> {
  const random = seededRandom(seed);
  const router = compileRouter(config);
  const counts: Record<string, number> = {};
  const count = (key: string) => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  for (let i = 0; i < requests; i++) {
    const route = router.match(80, 'shop', 'GET', '/', { x: '1' })?.route;
    if (route?.action.kind !== 'forward') {
      count('404 NR');
      continue;
    }
    if (route.fault.abort && random() < route.fault.abort.share) {
      count(`${route.fault.abort.status} FI`);
      continue;
    }
    const { destinations } = route.action;
    let left = random() * destinations.reduce((sum, destination) => sum + destination.weight, 0);
    const drawn = destinations.find(({ weight }) => {
      left -= weight;
      return left < 0;
    });
    const cluster = config.clusters[drawn!.cluster];
    const ready = cluster?.endpoints.filter((endpoint) => endpoint.ready) ?? [];
    const picked = ready[Math.floor(random() * ready.length)];
    count(picked?.labels.version ?? (cluster ? '503 UH' : '503 NC'));
  }
  return counts;
}
