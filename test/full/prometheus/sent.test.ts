import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { startKiali } from '../../../src/lab/kiali/server.js';
import { startPrometheus } from '../../../src/lab/prometheus/server.js';
import { runRelease } from '../../../src/release/run.js';
import { type Asked, BothPrometheus } from '../../support/bothPrometheus.js';
import { say } from '../../support/io.js';
import { GRAPH_REQUESTS } from '../../support/kialiCases.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { type QueryRecorder, recordQueries } from '../../support/queryRecorder.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';
import { pitstopLab, Told } from '../../support/release.js';

/** Questions that differ in their text, each at up to three of the instants at which it was asked. */
function distinct(asked: readonly Asked[]): Asked[] {
  const times = new Map<string, Asked[]>();
  for (const each of asked) {
    const key = `${each.path} ${each.parameters.query}`;
    times.set(key, [...(times.get(key) ?? []), each]);
  }
  return [...times.values()].flatMap((all) => [...new Set([all[0], all[all.length >> 1], all.at(-1)])] as Asked[]);
}

const GRAPHS = GRAPH_REQUESTS.map(({ queryTime: _time, ...parameters }) =>
  new URLSearchParams({ namespaces: 'pitstop', duration: '10s', ...parameters }).toString(),
);

/** Whatever the release, a diagnosis, the vantage points and both Kialis send reaches the recorders: nobody has to list it. */
test.skipIf(!realPrometheus)(
  'what a release and Kiali ask about a real run has the same answers from a real Prometheus',
  async () => {
    const pitstop = await pitstopLab('mirror');
    onTestFinished(() => pitstop.close());
    const { lab } = pitstop;
    const prometheus = await startPrometheus({ targets: lab.targets, scrapeIntervalMs: 200 });
    onTestFinished(() => prometheus.close());
    const recorder = async (): Promise<QueryRecorder> => {
      const made = await recordQueries(prometheus.url);
      onTestFinished(() => made.close());
      return made;
    };
    const [byRelease, byKiali] = [await recorder(), await recorder()];
    const kiali = await startKiali({ store: lab.store, prometheusUrl: byKiali.url });
    onTestFinished(() => kiali.close());
    const kialiUrls = [kiali.url];
    if (realKiali) {
      const real = await startRealKiali({ kubeconfig: lab.kubeconfig, prometheusUrl: byKiali.url });
      onTestFinished(() => real.stop());
      kialiUrls.push(real.url);
    }

    const told = new Told();
    const options = pitstop.runOptions(['mirror']);
    const target = { ...options.target, prometheusUrl: byRelease.url, kialiUrl: kiali.url };
    const signal = new AbortController().signal;
    await runRelease(
      pitstop.scenario,
      { ...options, target },
      { clock: systemClock, client: pitstop.client, emit: told.emit, signal },
    );
    expect(told.model.stages.map(({ verdict }) => verdict)).not.toContain('no-data');
    const looks = [
      '--kubeconfig',
      `${pitstop.dir}/kubeconfig`,
      '--prometheus-url',
      byRelease.url,
      '--kiali-url',
      kiali.url,
    ];
    await say(['diagnose', '--service', 'customermanagementapi', '-n', 'pitstop', '--window', '1s', ...looks]);
    for (const url of kialiUrls) {
      for (const parameters of GRAPHS) await fetch(`${url}/api/namespaces/graph?${parameters}`);
      for (const type of ['app', 'service', 'workload'])
        await fetch(`${url}/api/clusters/health?namespaces=pitstop&type=${type}&rateInterval=30s`);
    }

    // No scrape is under way any more: what is stored now is what was stored when the queries came.
    await prometheus.close();
    const ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage: prometheus.storage });
    onTestFinished(() => ours.close());
    const real = await startRealPrometheus({ storage: prometheus.storage });
    onTestFinished(() => real.stop());
    const both = new BothPrometheus(ours.url, real.url);
    const questions = [...distinct(byRelease.asked), ...distinct(byKiali.asked)];
    for (const asked of questions) expect(await both.difference(asked)).toBeUndefined();
    const texts = questions.map(({ parameters }) => parameters.query);
    // The source's four metrics, the destination's two selections, the barrier's three, the clock, a diagnosis' targets and callers; and
    // what Kiali asks of a graph.
    const asked = new Set(distinct(byRelease.asked).map(({ parameters }) => parameters.query));
    expect(asked.size).toBeGreaterThanOrEqual(10);
    expect(asked).toContain('up{namespace="pitstop"}');
    for (const part of ['last_over_time(', 'timestamp(', 'max_over_time(', 'rate(', 'histogram_quantile(', ' OR '])
      expect(
        texts.some((text) => text?.includes(part)),
        part,
      ).toBe(true);
  },
);
