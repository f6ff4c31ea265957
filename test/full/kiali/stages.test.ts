import { expect, onTestFinished, test } from 'vitest';
import { ratio } from '../../../src/base/units.js';
import { compared } from '../../support/comparisons.js';
import { askKiali, edgeOf, type KialiGraphBody } from '../../support/kialiAnswers.js';
import { apply } from '../../support/labPitstop.js';
import { pitstopLoad } from '../../support/labWindow.js';
import { eventually } from '../../support/poll.js';
import { realKiali, startRealKiali } from '../../support/realKiali.js';
import { pitstopLab } from '../../support/release.js';

const SERVICE = 'customermanagementapi';
const WINDOW_SECONDS = 5;
/** What people and scripts ask about a namespace. */
const GRAPHS = [
  { graphType: 'versionedApp', injectServiceNodes: 'true' },
  { graphType: 'versionedApp', injectServiceNodes: 'true', appenders: '' },
  { graphType: 'versionedApp' },
  { graphType: 'app', injectServiceNodes: 'true' },
  {
    graphType: 'workload',
    injectServiceNodes: 'true',
    appenders: 'deadNode,idleNode,istio,meshCheck,responseTime,securityPolicy,throughput',
  },
  { graphType: 'service', includeIdleEdges: 'true' },
];
const PAGES = ['/api/namespaces', '/api/status', '/api/istio/status', '/api/namespaces/pitstop/info', '/api/auth/info'];
const HEALTH = ['app', 'service', 'workload'];

/** The real one asks istiod every 20 s only which proxies follow it; at the end that is compared, too. */
const withoutSynced = <T>(answer: T): T =>
  JSON.parse(JSON.stringify(answer, (key, value) => (key === 'syncedProxies' ? undefined : value)));

const share = (graph: KialiGraphBody, version: string): number =>
  Number(
    edgeOf(graph, { service: SERVICE }, { workload: `${SERVICE}-${version}` })?.traffic.rates?.httpPercentReq ?? 0,
  );

test.skipIf(!realKiali)(
  'the real Kiali and the one of the lab show the same at every stage of Pitstop',
  { timeout: 300_000 },
  async () => {
    const failing = { vehiclemanagementapi: { errors: ratio(0.5) } };
    const pitstop = await pitstopLab('v1-only', { apps: failing });
    onTestFinished(() => pitstop.close());
    const { lab, scenario } = pitstop;
    const real = await startRealKiali({ kubeconfig: lab.kubeconfig, prometheusUrl: lab.prometheusUrl });
    onTestFinished(() => real.stop());
    const { load } = await pitstopLoad(lab.baseUrl, scenario, 16);

    /** Everything is asked about one window that is over, so that no scrape changes it between two questions. */
    const alike = async (check: (graph: KialiGraphBody) => void, told: <T>(answer: T) => T = withoutSynced) => {
      await eventually(async () => {
        const queryTime = Math.floor(Date.now() / 1000) - 1;
        const graphs = GRAPHS.map((parameters) => {
          const query = {
            namespaces: 'pitstop',
            duration: `${WINDOW_SECONDS}s`,
            queryTime: String(queryTime),
            ...parameters,
          };
          return `/api/namespaces/graph?${new URLSearchParams(query)}`;
        });
        const health = HEALTH.map((type) => {
          const query = {
            namespaces: 'pitstop',
            type,
            rateInterval: `${WINDOW_SECONDS}s`,
            queryTime: String(queryTime),
          };
          return `/api/clusters/health?${new URLSearchParams(query)}`;
        });
        const [seen] = await Promise.all(
          [...graphs, ...health, ...PAGES].map(async (path) => {
            const [theirs, ours] = [await askKiali(real.url, path), await askKiali(lab.kialiUrl, path)];
            expect({ path, ...told(ours) }).toEqual({ path, ...told(theirs) });
            expect(theirs.status).toBe(200);
            return theirs.body;
          }),
        );
        check(seen as KialiGraphBody);
        compared('kiali', graphs.length + health.length + PAGES.length);
      }, 40_000);
    };

    await alike((graph) => {
      expect(share(graph, 'v1')).toBe(100);
      const vehicles = 'vehiclemanagementapi';
      const { rates } = edgeOf(graph, { service: vehicles }, { workload: vehicles })?.traffic ?? {};
      expect(Number(rates?.httpPercentErr)).toBeGreaterThan(5);
    });
    apply(lab, 'customermanagementapi-v2.yaml');
    await alike((graph) => {
      expect(share(graph, 'v1')).toBe(100);
      expect(graph.elements.nodes.find(({ data }) => data.workload === `${SERVICE}-v2`)?.data.isIdle).toBe(true);
    });
    apply(
      lab,
      'customermanagementapi-dr.yaml',
      'customermanagementapi-mirror.yaml',
      'customermanagementapi-svc-open.yaml',
    );
    // Copies cannot be told from requests: half of what leaves the service goes to either version.
    await alike((graph) => {
      expect(share(graph, 'v1')).toBeGreaterThan(35);
      expect(share(graph, 'v1')).toBeLessThan(65);
    });
    apply(lab, 'customermanagementapi-canary.yaml');
    await alike((graph) => {
      expect(share(graph, 'v2')).toBeGreaterThan(1);
      expect(share(graph, 'v2')).toBeLessThan(30);
    });
    lab.store.remove('virtualservices.networking.istio.io', 'pitstop', SERVICE);
    await alike((graph) => {
      expect(share(graph, 'v2')).toBeGreaterThan(25);
      expect(share(graph, 'v2')).toBeLessThan(75);
    });
    // A fault of the mesh ends at the service: it reaches no version, and its flag tells why.
    lab.store.put('virtualservices.networking.istio.io', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'workshopmanagementapi', namespace: 'pitstop' },
      spec: {
        hosts: ['workshopmanagementapi'],
        http: [
          {
            fault: { abort: { percentage: { value: 50 }, httpStatus: 503 } },
            route: [{ destination: { host: 'workshopmanagementapi' } }],
          },
        ],
      },
    });
    await alike((graph) => {
      const { responses } = edgeOf(graph, { workload: 'webapp' }, { service: 'workshopmanagementapi' })?.traffic ?? {};
      expect(Number(responses?.['503']?.flags.FI)).toBeGreaterThan(10);
    });
    await load.stop();
    await alike(
      (graph) => expect(graph.elements.edges).toEqual([]),
      (answer) => answer,
    );
    for (const namespaces of ['nowhere', '', 'pitstop,nowhere']) {
      const path = `/api/namespaces/graph?${new URLSearchParams({ namespaces })}`;
      expect(await askKiali(lab.kialiUrl, path)).toEqual(await askKiali(real.url, path));
      compared('kiali');
    }
  },
);
