import { ConfigError, type Problem } from '../../base/errors.js';
import type { KubeObject } from '../../base/kubernetes.js';
import type { K6Plan } from './contract.js';

export const TEST_RUN = { apiVersion: 'k6.io/v1alpha1', kind: 'TestRun' } as const;

/** The API server takes no larger ConfigMap (Kubernetes documentation, "ConfigMap"). */
const MOST_CONFIG_MAP_BYTES = 2 ** 20;

/** Where the operator mounts the ConfigMap in every runner. */
const FOLDER = '/test';
const SCRIPT = 'script.js';
const PLAN = 'plan.json';

/** How the pods that send are to be. */
export interface Runners {
  /** k6 processes, each with its part of the users or arrivals; >= 1. */
  readonly parallelism: number;
  /** Such as `grafana/k6:1.1.0`. */
  readonly image: string;
  /** Kubernetes quantities; undefined: none are asked for. */
  readonly cpu?: string;
  readonly memory?: string;
  /** One runner a node at most. */
  readonly separate: boolean;
  /** With a mesh sidecar, whose routes then apply to what they send. */
  readonly sidecar: boolean;
  /** Secret of the namespace whose keys become variables of the runners. */
  readonly secret?: string;
}

export interface TestRunInput {
  /** Of the TestRun and its ConfigMap: a DNS label; the operator adds up to 14 characters for its Jobs. */
  readonly name: string;
  readonly namespace: string;
  /** Tag `testid` of everything that the runners write. */
  readonly runId: string;
  /** One ECMAScript module. */
  readonly script: string;
  /** The file that the script reads. */
  readonly plan: K6Plan;
  /** Where the runners write their counters: Prometheus' remote-write address, as the cluster reaches it. */
  readonly writeUrl: string;
  /** How often they write; whole seconds, >= 1. */
  readonly pushSeconds: number;
  readonly runners: Runners;
}

export interface TestRunObjects {
  readonly configMap: KubeObject;
  readonly testRun: KubeObject;
}

/**
 * What the k6-operator is given. Evidence outlives the load: no `cleanup`, since that would delete the pods with their exit codes before they
 * are read.
 * @throws ConfigError when script and plan do not fit into a ConfigMap, or a runner would have no user
 */
export function renderTestRun(input: TestRunInput): TestRunObjects {
  const { name, namespace, runId, script, runners } = input;
  const plan = JSON.stringify(input.plan);
  check(script, plan, mostUsers(input.plan), runners.parallelism);
  const metadata = {
    name,
    namespace,
    labels: { 'app.kubernetes.io/managed-by': 'weighbridge', 'weighbridge/run': runId },
  };
  const { parallelism, image, separate, sidecar } = runners;
  const env = environment(input);
  const outside = { labels: { 'sidecar.istio.io/inject': 'false' }, annotations: { 'linkerd.io/inject': 'disabled' } };
  return {
    configMap: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { [SCRIPT]: script, [PLAN]: plan } },
    testRun: {
      ...TEST_RUN,
      metadata,
      spec: {
        parallelism,
        separate,
        script: { configMap: { name, file: SCRIPT } },
        // Not `args`: operators before 1.6 do not know it. No value holds white space. And not the plan's tags: the operator's own --tag
        // options would replace them.
        arguments: `--tag testid=${runId} --out experimental-prometheus-rw --no-usage-report`,
        // Without a section of its own the initializer would be a copy of the runner, sidecar included.
        initializer: { image, env, metadata: outside },
        starter: { metadata: outside },
        runner: {
          image,
          env,
          metadata: sidecar ? INSIDE : outside,
          ...resources(runners),
          ...(runners.secret === undefined ? {} : { envFrom: [{ secretRef: { name: runners.secret } }] }),
        },
      },
    },
  };
}

/**
 * Operator, starter and kubelet reach k6's port from outside the mesh, which strict mTLS would refuse; and a sidecar that is no native one
 * would outlive k6, so that the Job never ended.
 */
const INSIDE = {
  labels: { 'sidecar.istio.io/inject': 'true' },
  annotations: {
    'traffic.sidecar.istio.io/excludeInboundPorts': '6565',
    'sidecar.istio.io/nativeSidecar': 'true',
    'proxy.istio.io/config': '{"holdApplicationUntilProxyStarts": true}',
    'linkerd.io/inject': 'enabled',
    'config.linkerd.io/skip-inbound-ports': '6565',
    'config.alpha.linkerd.io/proxy-enable-native-sidecar': 'true',
  },
};

function environment({ writeUrl, pushSeconds }: TestRunInput): { name: string; value: string }[] {
  return Object.entries({
    WEIGHBRIDGE_PLAN: `${FOLDER}/${PLAN}`,
    K6_PROMETHEUS_RW_SERVER_URL: writeUrl,
    K6_PROMETHEUS_RW_PUSH_INTERVAL: `${pushSeconds}s`,
    K6_PROMETHEUS_RW_TREND_STATS: 'count,min,avg,med,p(90),p(99),p(99.9),max',
  }).map(([name, value]) => ({ name, value }));
}

function resources({ cpu, memory }: Runners): { readonly resources?: object } {
  const asked = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  if (Object.keys(asked).length === 0) return {};
  // No limit of CPU: a runner that is throttled is late, and its response times are its own.
  return { resources: { requests: asked, ...(memory === undefined ? {} : { limits: { memory } }) } };
}

/** Users that the plan has at its peak, all models together: what `k6 inspect` tells the operator as `maxVUs`. */
function mostUsers({ settings }: K6Plan): number {
  const peaks = Object.values(settings.options.scenarios).map((scenario) => {
    switch (scenario.executor) {
      case 'ramping-vus':
        return Math.max(scenario.startVUs, ...scenario.stages.map(({ target }) => target));
      case 'constant-arrival-rate':
      case 'ramping-arrival-rate':
        return scenario.maxVUs;
      default:
        return scenario.vus;
    }
  });
  return peaks.reduce((sum, peak) => sum + peak, 0);
}

function check(script: string, plan: string, users: number, parallelism: number): void {
  const problems: Problem[] = [];
  const bytes = (text: string) => Buffer.byteLength(text);
  const total = bytes(script) + bytes(plan) + SCRIPT.length + PLAN.length;
  if (total > MOST_CONFIG_MAP_BYTES) {
    const tooMuch = Math.min(99, Math.ceil((100 * (total - MOST_CONFIG_MAP_BYTES)) / bytes(plan)));
    problems.push({
      path: '--uris',
      message: `script (${bytes(script)} bytes) and plan (${bytes(plan)} bytes, most of it the URI list) do not fit into a ConfigMap, which takes ${MOST_CONFIG_MAP_BYTES} bytes`,
      hint: `shorten the list by ${tooMuch} % (bodies count, and a third more than their length), or send it in several loads`,
    });
  }
  if (users < parallelism) {
    problems.push({
      path: '--parallelism',
      message: `${parallelism} runners have ${users} users to share, and the operator refuses a runner without one`,
      hint: `at most --parallelism ${Math.max(1, users)} here`,
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
