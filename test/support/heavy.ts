import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { millis } from '../../src/base/units.js';
import { connectCluster } from '../../src/cluster/client.js';
import type { Lab } from '../../src/lab/lab.js';
import type { HeavyResult } from '../../src/load/k6/heavyResult.js';
import { renderPlan } from '../../src/load/k6/plan.js';
import { type Runners, renderTestRun } from '../../src/load/k6/testRun.js';
import type { LoadSpec } from '../../src/load/types.js';
import { PrometheusClient } from '../../src/observe/prometheus.js';
import { runHeavy } from '../../src/release/heavy.js';
import type { HeavyEvent, HeavyOptions } from '../../src/release/heavyTypes.js';

/** All waits pass so many times as fast. */
export const hurried = (times: number): Clock => ({
  now: () => millis(systemClock.now() * times),
  wallMs: () => systemClock.wallMs(),
  sleepUntil: (at, signal) => systemClock.sleepUntil(millis(at / times), signal),
});

/** Two users, one URI, one second. */
export const SMALL: LoadSpec = {
  baseUrl: 'http://web',
  uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
  variables: {},
  model: { kind: 'closed', users: 2, thinkTime: { kind: 'constant', ms: millis(0) } },
  order: 'round-robin',
  seed: 1,
  timeoutMs: 1000,
  durationMs: 1000,
  marker: undefined,
  defaultVersion: undefined,
};

export interface GivenHeavy extends Partial<HeavyOptions> {
  readonly script: string;
  readonly spec?: LoadSpec;
  readonly runners?: Partial<Runners>;
  readonly namespace?: string;
  readonly kubeconfig?: string;
  readonly prometheusUrl?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly emit?: (event: HeavyEvent) => void;
}

/** A load from the pods of a lab; run `r1`, two runners in the namespace `load`. */
export async function heavyLoad(lab: Lab, given: GivenHeavy): Promise<HeavyResult> {
  const { script, spec = SMALL, runners, namespace = 'load', kubeconfig = lab.kubeconfig, prometheusUrl } = given;
  const { signal = new AbortController().signal, clock = systemClock, emit = () => undefined, ...options } = given;
  const plan = renderPlan(spec);
  const wanted = { parallelism: 2, image: 'grafana/k6:1.1.0', separate: false, sidecar: false, ...runners };
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  const file = join(dir, 'kubeconfig');
  writeFileSync(file, kubeconfig);
  try {
    return await runHeavy(
      {
        runId: 'r1',
        objects: renderTestRun({
          name: 'heavy',
          namespace,
          runId: 'r1',
          script,
          plan,
          writeUrl: 'http://prometheus.istio-system:9090/api/v1/write',
          pushSeconds: 1,
          runners: wanted,
        }),
        parallelism: wanted.parallelism,
        uris: plan.requests.map(({ name }) => name),
        durationMs: spec.durationMs,
        startTimeoutMs: 60_000,
        pushMs: 1000,
        undoFile: join(dir, 'undo.ndjson'),
        ...options,
      },
      {
        client: await connectCluster({ kubeconfig: file }),
        prometheus: new PrometheusClient({ url: prometheusUrl ?? lab.prometheusUrl }),
        clock,
        emit,
        signal,
      },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a load may have left in its namespace. */
export const leftBy = (lab: Lab, namespace = 'load') =>
  ['testruns.k6.io', 'jobs.batch', 'pods', 'services', 'configmaps', 'leases.coordination.k8s.io'].flatMap((resource) =>
    lab.store.list(resource, namespace).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
  );
