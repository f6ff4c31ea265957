import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clusterOptions, SCENARIO, smallLoad, start, startedLab, type Workspace } from '../../support/cli.js';
import { until } from '../../support/load.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';

const HERE = Boolean(realPrometheus && realKiali);
/** 2 only when others have the cores meanwhile, and the generator says so. */
const PASSED = [0, 2];

/** A lab whose metrics a real Prometheus scrapes, by the configuration that the lab wrote, and a real Kiali over both. */
async function labWithPeers(space: Workspace, stage: string) {
  const lab = await startedLab(space, ['--before-stage', stage, '--prometheus-config', 'prometheus.yml']);
  const prometheus = await startRealPrometheus({ config: readFileSync(join(space.dir, 'prometheus.yml'), 'utf8') });
  onTestFinished(() => prometheus.stop());
  const kubeconfig = readFileSync(lab.kubeconfig, 'utf8');
  const kiali = await startRealKiali({ kubeconfig, prometheusUrl: prometheus.url });
  onTestFinished(() => kiali.stop());
  // A real Prometheus hears of new targets every five seconds.
  const scraped = async () => {
    const answer = await fetch(`${prometheus.url}/api/v1/query?query=count(up==1)`);
    const { data } = (await answer.json()) as { data: { result: unknown[] } };
    return data.result.length > 0;
  };
  await until(scraped, 30_000);
  const addresses = { ...lab, prometheusUrl: prometheus.url, kialiUrl: kiali.url };
  const run = (...args: string[]) =>
    start(['run', SCENARIO, '--stage', stage, '--seed', '9', ...clusterOptions(addresses), ...args], space.dir);
  return { prometheus, kiali, run };
}

const stageNamed = (space: Workspace, name: string) => space.report().stages.find((stage) => stage.name === name);

describe.skipIf(!HERE)('a run on a real Prometheus and a real Kiali', () => {
  it('recovers by itself when both are killed in the middle of a stage and come back', async () => {
    const space = smallLoad();
    // A few hundred requests decide, once everybody is back.
    space.edit(SCENARIO, 'margin: 3%', 'margin: 6%');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 90s');
    const { prometheus, kiali, run } = await labWithPeers(space, 'canary');
    const running = run();
    await running.printed(/canary running/);
    await Promise.all([prometheus.kill(), kiali.kill()]);
    await running.printed(/canary running(.|\n)*canary running/);
    await Promise.all([prometheus.restart(), kiali.restart()]);
    const { code, stderr } = await running.finished;
    expect(PASSED, stderr).toContain(code);
    expect(stderr).toMatch(/canary window closed: decided/);
    const totals = Object.fromEntries(
      (stageNamed(space, 'canary')?.checks ?? [])
        .filter(({ name }) => name === 'share:v2')
        .map(({ vantagePoint, observed }) => [vantagePoint, observed?.total ?? 0]),
    );
    // What was counted before, during and after the outage is all there, in the counters and, but for its stretching, in the graph.
    expect(totals.destination).toBeGreaterThan(500);
    expect(totals.graph).toBeGreaterThan(0.8 * (totals.destination ?? 0));
    expect(totals.graph).toBeLessThan(1.2 * (totals.destination ?? 0));
  });

  it('has no verdict where a Kiali that was required stays away, tells its address, and puts the cluster back', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'graph: account', 'graph: require');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 8s');
    const { kiali, run } = await labWithPeers(space, 'mirror');
    const running = run('--allow-undecidable');
    await running.printed(/mirror running/);
    await kiali.kill();
    const { code, stderr } = await running.finished;
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/put back objects=[1-9]/);
    expect(stageNamed(space, 'mirror')).toMatchObject({ verdict: 'no-data' });
    const graph = stageNamed(space, 'mirror')?.checks.find(({ vantagePoint }) => vantagePoint === 'graph');
    expect(graph?.reason).toContain(kiali.url.replace(/\/kiali$/, ''));
  });

  it('passes without a Kiali that only accounts, and says that it is missing', async () => {
    const space = smallLoad();
    const { kiali, run } = await labWithPeers(space, 'v1-only');
    const running = run();
    await running.printed(/v1-only running/);
    await kiali.kill();
    const { code, stderr } = await running.finished;
    expect(PASSED, stderr).toContain(code);
    expect(stageNamed(space, 'v1-only')?.checks).toContainEqual(
      expect.objectContaining({ vantagePoint: 'graph', required: false, verdict: 'no-data' }),
    );
  });

  it('has no verdict when Prometheus stays away, and loses nothing that was counted before', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 8s');
    const { prometheus, run } = await labWithPeers(space, 'mirror');
    const running = run('--allow-undecidable');
    await running.printed(/mirror running/);
    await prometheus.kill();
    const { code, stderr } = await running.finished;
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/put back objects=[1-9]/);
    const stage = stageNamed(space, 'mirror');
    expect(stage?.checks.find(({ vantagePoint }) => vantagePoint === 'source')?.reason).toContain(prometheus.url);
    expect(stage?.checks.find(({ vantagePoint }) => vantagePoint === 'client')?.observed?.total).toBeGreaterThan(20);
  });
});
