import { describe, expect, it } from 'vitest';
import { clusterOptions, SCENARIO, smallLoad, sound, start, type Workspace } from '../../support/cli.js';
import { until } from '../../support/load.js';
import { hasRealObservers, instant, labWithRealObservers } from '../../support/realObservers.js';
import type { RealServer } from '../../support/realServer.js';

async function labWithPeers(space: Workspace, stage: string) {
  const { prometheus, kiali, addresses } = await labWithRealObservers(space, ['--before-stage', stage]);
  const run = (...args: string[]) =>
    start(['run', SCENARIO, '--stage', stage, '--seed', '9', ...clusterOptions(addresses), ...args], space.dir);
  return { prometheus, kiali, run };
}

/** A rate begins at the first sample in its window, so an outage that begins before all are scraped in it hides what they count until its end. */
async function scrapedSince(prometheus: RealServer, wallMs: number): Promise<void> {
  const oldest = 'min(timestamp(istio_requests_total{destination_service_name="customermanagementapi"}))';
  await until(async () => (await instant(prometheus, oldest)) > wallMs / 1000);
}

const stageNamed = (space: Workspace, name: string) => space.report().stages.find((stage) => stage.name === name);

describe.skipIf(!hasRealObservers)('a run on a real Prometheus and a real Kiali', () => {
  it('recovers by itself when both are killed in the middle of a stage and come back', async () => {
    const space = smallLoad();
    // A few hundred requests decide, once everybody is back.
    space.edit(SCENARIO, 'margin: 3%', 'margin: 6%');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 90s');
    const { prometheus, kiali, run } = await labWithPeers(space, 'canary');
    const { code, stderr } = await sound(space, async () => {
      const running = run();
      await running.printed(/canary running/);
      await scrapedSince(prometheus, Date.now());
      await Promise.all([prometheus.kill(), kiali.kill()]);
      await running.printed(/canary running(.|\n)*canary running/);
      await Promise.all([prometheus.restart(), kiali.restart()]);
      return running.finished;
    });
    expect(code, stderr).toBe(0);
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
    const { code, stderr } = await sound(space, async () => {
      await kiali.restart();
      const running = run();
      await running.printed(/v1-only running/);
      await kiali.kill();
      return running.finished;
    });
    expect(code, stderr).toBe(0);
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
