import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LabAddresses, startedLab, type Workspace } from './cli.js';
import { until } from './load.js';
import { realPrometheus, startRealPrometheus } from './promserver.js';
import { realKiali, startRealKiali } from './realKiali.js';
import type { RealServer } from './realServer.js';

/** True when a real Prometheus and a real Kiali are here. */
export const hasRealObservers = Boolean(realPrometheus && realKiali);

export interface RealObservers {
  readonly prometheus: RealServer;
  readonly kiali: RealServer;
  /** Of the lab, but for its Prometheus and its Kiali. */
  readonly addresses: LabAddresses;
}

/** A real Prometheus that discovers new targets every five seconds has found its first ones by then. */
const DISCOVERED_MS = 30_000;

/**
 * A lab whose metrics a real Prometheus scrapes, by the configuration that the lab wrote, and a real Kiali on that and on the API server of
 * the lab. They end with the test.
 * @param args of `weighbridge lab`
 */
export async function labWithRealObservers(space: Workspace, args: readonly string[]): Promise<RealObservers> {
  const { lab: _process, ...lab } = await startedLab(space, [...args, '--prometheus-config', 'prometheus.yml']);
  const prometheus = await startRealPrometheus({ config: readFileSync(join(space.dir, 'prometheus.yml'), 'utf8') });
  onTestFinished(() => prometheus.stop());
  const kubeconfig = readFileSync(lab.kubeconfig, 'utf8');
  const kiali = await startRealKiali({ kubeconfig, prometheusUrl: prometheus.url });
  onTestFinished(() => kiali.stop());
  await until(async () => (await instant(prometheus, 'count(up==1)')) > 0, DISCOVERED_MS);
  return { prometheus, kiali, addresses: { ...lab, prometheusUrl: prometheus.url, kialiUrl: kiali.url } };
}

/** The value of a query with one answer; 0: it has none. */
export async function instant(prometheus: RealServer, query: string): Promise<number> {
  const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  return Number(data.result[0]?.value[1] ?? 0);
}
