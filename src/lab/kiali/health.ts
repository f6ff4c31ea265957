import type { KubeObject } from '../../base/kubernetes.js';
import { CLUSTER, type ClusterView, type Namespace, type Workload } from './cluster.js';
import { badRequest, Failure } from './failure.js';
import type { PrometheusClient, Row } from './prometheus.js';
import { hasProxy, statusOf } from './workloadStatus.js';

type Rates = Record<string, Record<string, number>>;

interface RequestHealth {
  /** Requests per second by protocol and response code. */
  readonly inbound: Rates;
  readonly outbound: Rates;
  readonly healthAnnotations: Readonly<Record<string, string>>;
}

interface Window {
  readonly namespace: string;
  /** As PromQL writes it. */
  readonly interval: string;
  /** Seconds since the epoch. */
  readonly at: number;
}

const TYPES = ['app', 'service', 'workload'] as const;
type Type = (typeof TYPES)[number];
const KEYS: Readonly<Record<Type, string>> = {
  app: 'namespaceAppHealth',
  service: 'namespaceServiceHealth',
  workload: 'namespaceWorkloadHealth',
};

/** What `/api/clusters/health` says of apps, services or workloads, by namespace. Throws Failure with Kiali's texts. */
export async function healthPage(
  params: URLSearchParams,
  cluster: ClusterView,
  prometheus: PrometheusClient,
  nowMs: number,
): Promise<unknown> {
  const names =
    params.get('namespaces') ||
    cluster
      .namespaces()
      .map(({ name }) => name)
      .join(',');
  const type = params.get('type') || 'app';
  if (!isType(type)) {
    throw badRequest("Bad request, query parameter 'type' must be one of ['app','service','workload']");
  }
  const found: Record<string, unknown> = {};
  for (const name of names.split(',')) {
    const window = windowOf(name, params, cluster.namespaces(), nowMs);
    const say = { app: appHealth, service: serviceHealth, workload: workloadHealth }[type];
    found[name] = await say(window, cluster, prometheus);
  }
  return { [KEYS[type]]: found };
}

const isType = (text: string): text is Type => (TYPES as readonly string[]).includes(text);

/** The asked interval, cut to the age of the namespace. */
function windowOf(name: string, params: URLSearchParams, known: readonly Namespace[], nowMs: number): Window {
  const interval = params.get('rateInterval') || '10m';
  const asked = params.get('queryTime') ?? '';
  const at = /^[+-]?\d+$/.test(asked) ? Number(asked) : nowMs / 1000;
  const refuse = (status: number, why: string) => new Failure(status, `Adjust rate interval error: ${why}`);
  const clusterName = params.get('clusterName') || CLUSTER;
  if (clusterName !== CLUSTER)
    throw refuse(500, `cluster [${clusterName}] is not found or is not accessible for Kiali`);
  const namespace = known.find((each) => each.name === name);
  if (!namespace) throw refuse(404, `namespaces ${JSON.stringify(name)} not found`);
  const seconds = secondsOf(interval);
  if (typeof seconds === 'string') throw refuse(500, seconds);
  const ageSeconds = at - namespace.createdMs / 1000;
  return { namespace: name, interval: seconds > ageSeconds ? `${Math.trunc(ageSeconds)}s` : interval, at };
}

const UNITS = ['y', 'w', 'd', 'h', 'm', 's', 'ms'];
const UNIT_SECONDS = [31_536_000, 604_800, 86_400, 3_600, 60, 1, 0.001];

/** A duration as Prometheus' library reads it, in seconds, or why it cannot. */
function secondsOf(text: string): number | string {
  if (text === '0') return 0;
  const broken = `not a valid duration string: ${JSON.stringify(text)}`;
  if (!/^(\d+\D+)+$/.test(text)) return broken;
  let seconds = 0;
  let before = -1;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(\D+)/g)) {
    const place = UNITS.indexOf(unit);
    if (place < 0) return `unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`;
    if (place <= before) return broken;
    before = place;
    seconds += Number(count) * (UNIT_SECONDS[place] ?? 0);
  }
  return seconds;
}

async function appHealth(window: Window, cluster: ClusterView, prometheus: PrometheusClient): Promise<unknown> {
  const apps = new Map<string, Workload[]>();
  for (const workload of cluster.workloads(window.namespace)) {
    const app = workload.labels.app;
    if (app !== undefined) apps.set(app, [...(apps.get(app) ?? []), workload]);
  }
  const proxied = [...apps].filter(([, workloads]) => workloads.some(hasProxy)).map(([app]) => app);
  const requests = await requestsOf(window, [...apps.keys()], proxied, 'canonical_service', prometheus, 'app');
  const described = [...apps].map(([app, workloads]) => [
    app,
    { workloadStatuses: workloads.map((workload) => statusOf(workload, cluster)), requests: requests.get(app) },
  ]);
  return Object.fromEntries(described);
}

async function workloadHealth(window: Window, cluster: ClusterView, prometheus: PrometheusClient): Promise<unknown> {
  const workloads = cluster.workloads(window.namespace);
  const names = workloads.map(({ name }) => name);
  const proxied = workloads.filter(hasProxy).map(({ name }) => name);
  const requests = await requestsOf(window, names, proxied, 'workload', prometheus, 'workload');
  const described = workloads.map((workload) => {
    const { template } = (workload.object.spec ?? {}) as { template?: KubeObject };
    const annotations = template?.metadata?.annotations ?? workload.object.metadata.annotations;
    const seen = { ...requests.get(workload.name), healthAnnotations: healthAnnotations(annotations) };
    return [workload.name, { workloadStatus: statusOf(workload, cluster), requests: seen }];
  });
  return Object.fromEntries(described);
}

/** A Prometheus that does not answer is no error here: the services are told without their requests. */
async function serviceHealth(window: Window, cluster: ClusterView, prometheus: PrometheusClient): Promise<unknown> {
  const { namespace } = window;
  const selector = `destination_service_namespace="${namespace}",destination_cluster="${CLUSTER}"`;
  const rows = await rates(selector, window, prometheus).catch((): Row[] => []);
  const described = cluster.services(namespace).map(({ metadata }) => {
    const own = rows.filter(({ labels }) => labels.destination_service_name === metadata.name);
    const requests = { ...emptyHealth(), inbound: bothReporters(own) };
    return [metadata.name, { requests: { ...requests, healthAnnotations: healthAnnotations(metadata.annotations) } }];
  });
  return Object.fromEntries(described);
}

const rates = (selector: string, { interval, at }: Window, prometheus: PrometheusClient): Promise<Row[]> =>
  prometheus.exactVector(`rate(istio_requests_total{${selector}}[${interval}]) > 0`, at);

/**
 * Requests of all names, from the rows whose destination has a proxy: in at the destination, out at the source, which is why a caller's
 * failures before any destination are not among them.
 */
async function requestsOf(
  window: Window,
  names: readonly string[],
  proxied: readonly string[],
  label: 'canonical_service' | 'workload',
  prometheus: PrometheusClient,
  what: Type,
): Promise<Map<string, RequestHealth>> {
  const { namespace } = window;
  const rows: Row[] = [];
  if (proxied.length > 0) {
    const fromOutside = `destination_service_namespace="${namespace}",source_workload_namespace!="${namespace}",destination_cluster="${CLUSTER}"`;
    const fromInside = `source_workload_namespace="${namespace}",source_cluster="${CLUSTER}"`;
    try {
      for (const selector of [fromOutside, fromInside]) rows.push(...(await rates(selector, window, prometheus)));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new Failure(error.status, `Error while fetching ${what} health: ${error.message}`);
    }
  }
  const counted = rows.filter(({ labels }) => proxied.includes(labels[`destination_${label}`] ?? ''));
  return new Map(
    names.map((name) => {
      const inbound = bothReporters(counted.filter(({ labels }) => labels[`destination_${label}`] === name));
      const sent = counted.filter(({ labels }) => labels[`source_${label}`] === name && labels.reporter === 'source');
      return [name, { ...emptyHealth(), inbound, outbound: byCode(sent) }];
    }),
  );
}

const emptyHealth = (): RequestHealth => ({ inbound: {}, outbound: {}, healthAnnotations: {} });

/** Both proxies report a request: of two rates of one code the higher one counts. */
function bothReporters(rows: readonly Row[]): Rates {
  const of = (reporter: string) => byCode(rows.filter(({ labels }) => labels.reporter === reporter));
  const combined = of('source');
  for (const [protocol, codes] of Object.entries(of('destination'))) {
    combined[protocol] ??= Object.create(null) as Record<string, number>;
    for (const [code, rate] of Object.entries(codes))
      combined[protocol][code] = Math.max(rate, combined[protocol][code] ?? 0);
  }
  return combined;
}

function byCode(rows: readonly Row[]): Rates {
  // Labels are text from outside: no key may be one of an object's own.
  const found: Rates = Object.create(null);
  for (const { labels, value } of rows) {
    const { request_protocol: protocol = '', response_code: status = '' } = labels;
    const code = status === '0' ? '-' : protocol === 'grpc' ? (labels.grpc_response_status ?? status) : status;
    found[protocol] ??= Object.create(null) as Record<string, number>;
    found[protocol][code] = (found[protocol][code] ?? 0) + value;
  }
  return found;
}

function healthAnnotations(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const rate = annotations?.['health.kiali.io/rate'];
  return rate === undefined ? {} : { 'health.kiali.io/rate': rate };
}
