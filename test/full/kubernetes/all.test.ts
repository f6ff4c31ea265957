import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';
import { defineCustomResources } from '../../support/apiTargets.js';
import { clusterOptions, SCENARIO, smallLoad, sound, type Workspace, weighbridge } from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { askKiali } from '../../support/kialiAnswers.js';
import { hasKubernetes, type RealApiServer, startRealApiServer } from '../../support/kubeApiserver.js';
import { peerPath } from '../../support/peers.js';
import { realEnvoy } from '../../support/realEnvoy.js';
import { hasRealObservers, instant, labWithRealObservers, type RealObservers } from '../../support/realObservers.js';

const PROMISED = { 'v1-only': 0, dark: 0, mirror: 0, canary: 0.1, even: 0.5 };
const STAGES = Object.keys(PROMISED) as (keyof typeof PROMISED)[];
const kubectl = peerPath('kubectl');
const envoy = await realEnvoy();

/** By vantage point, of the share of one stage. */
const shares = (space: Workspace, stage: string) =>
  Object.fromEntries(
    (space.report().stages.find(({ name }) => name === stage)?.checks ?? [])
      .filter(({ name }) => name === 'share:v2')
      .map(({ vantagePoint, observed }) => [vantagePoint, observed]),
  );

/** A run on everything that is real. */
const release = (space: Workspace, addresses: RealObservers['addresses'], ...args: string[]) =>
  sound(space, () => weighbridge(['run', SCENARIO, '--seed', '7', ...clusterOptions(addresses), ...args], space.dir));

/**
 * Only controllers, nodes and mesh are the lab's: objects, counters and graph are kept by a real kube-apiserver, a real Prometheus and a
 * real Kiali at once; on `envoy` the proxies are real as well.
 */
describe.skipIf(!hasKubernetes() || !hasRealObservers)('a release where everything around the mesh is real', () => {
  let server: RealApiServer;
  beforeAll(async () => {
    server = await startRealApiServer();
    await defineCustomResources(server);
  }, 120_000);
  afterAll(() => server?.stop());

  for (const dataplane of ['node', 'envoy'] as const) {
    const start = (space: Workspace) =>
      labWithRealObservers(space, ['--kubeconfig', server.kubeconfig, '--dataplane', dataplane]);

    it.skipIf(dataplane === 'envoy' && !envoy)(`walks all stages of Pitstop (${dataplane})`, async () => {
      const space = smallLoad();
      const { addresses, prometheus, kiali } = await start(space);
      const { code, stderr } = await release(space, addresses);
      expect(code, stderr).toBe(0);
      expect(space.report().stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
        STAGES.map((name) => `${name} pass`),
      );
      expect(stderr).not.toContain('LEDGER_CONTRADICTION');
      for (const stage of STAGES) {
        // By port-forward through the API server to the lab's kubelet.
        expect(stderr).toMatch(new RegExp(`${stage} arrived in .* \\(config-dump\\)`));
        const { client, source, destination, graph } = shares(space, stage);
        for (const seen of [client, source, ...(stage === 'mirror' ? [] : [destination, graph])]) {
          expect(seen?.total, stage).toBeGreaterThan(500);
          expect(Math.abs((seen?.share ?? 1) - PROMISED[stage]), stage).toBeLessThan(0.06);
        }
      }
      // Copies arrive at v2 like requests; neither the callee's proxies nor Kiali can tell them apart.
      const { destination, graph } = shares(space, 'mirror');
      expect(destination?.share).toBeCloseTo(0.5, 1);
      expect(graph?.share).toBeCloseTo(0.5, 1);
      // What was judged is in the real Prometheus: it scraped every version, and the real Kiali reaches istiod by the API server.
      const v2 = 'sum(istio_requests_total{reporter="destination",destination_workload="customermanagementapi-v2"})';
      const judged = STAGES.map((stage) => shares(space, stage).destination?.count ?? 0);
      expect(await instant(prometheus, `max_over_time(${v2}[10m:1s])`)).toBeGreaterThan(Math.max(...judged));
      const status = await askKiali(kiali.url, '/api/istio/status');
      expect(status.body).toContainEqual({ name: 'istiod', status: 'Healthy', is_core: true });
      compared('kube-apiserver', STAGES.length);
      compared('prometheus', 2 * STAGES.length);
      compared('kiali', STAGES.length);
      if (dataplane === 'envoy') compared('envoy', STAGES.length);
    });

    it.skipIf(!kubectl || (dataplane === 'envoy' && !envoy))(
      `fails when the canary says 75/25, seen by all of them (${dataplane})`,
      async () => {
        const space = smallLoad();
        const canary = 'scenarios/pitstop/customermanagementapi-canary.yaml';
        space.edit(canary, /weight: 90/, 'weight: 75');
        space.edit(canary, /weight: 10/, 'weight: 25');
        const { addresses } = await start(space);
        const before = ['v2', 'dr', 'svc-open'].flatMap((part) => [
          '-f',
          join(space.dir, `scenarios/pitstop/customermanagementapi-${part}.yaml`),
        ]);
        const tool = $({ quiet: true, env: { ...process.env, KUBECONFIG: server.kubeconfig } });
        await tool`${kubectl ?? ''} apply ${before}`;
        await tool`${kubectl ?? ''} -n pitstop rollout status deployment/customermanagementapi-v2 --timeout=60s`;
        const { code, stderr } = await release(space, addresses, '--stage', 'canary');
        expect(code, stderr).toBe(1);
        expect(space.report().stages[0]?.causes.map((cause) => cause.code)).toContain('WEIGHT_DIFFERS');
        const { client, source, destination, graph } = shares(space, 'canary');
        for (const seen of [client, source, destination, graph]) {
          expect(seen?.total).toBeGreaterThan(50);
          // A stage ends as soon as the promised tenth is out, which a share above its own quarter does first: more is not told.
          expect(seen?.share).toBeGreaterThan(0.13);
          expect(seen?.share).toBeLessThan(0.6);
        }
        for (const peer of ['kube-apiserver', 'prometheus', 'kiali', 'kubectl'] as const) compared(peer);
        if (dataplane === 'envoy') compared('envoy');
        const closed = join(space.dir, 'scenarios/pitstop/customermanagementapi-svc.yaml');
        await tool`${kubectl ?? ''} apply -f ${closed}`;
        await tool`${kubectl ?? ''} -n pitstop delete deployment/customermanagementapi-v2 destinationrule/customermanagementapi`;
      },
    );
  }
});
