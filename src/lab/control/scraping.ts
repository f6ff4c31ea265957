import type { KubeObject } from '../../base/kubernetes.js';
import { podSpec } from './objects.js';

/** Where metrics are served. */
export interface MetricsPlace {
  readonly port: number;
  /** Begins with a slash. */
  readonly path: string;
}

/** Values of `prometheus.io/scrape`, `/port` and `/path`; what nobody wrote is absent. */
type Scraping = Partial<Record<'scrape' | 'port' | 'path', string>>;

/** Environment variable in which the injector hands the pod's own annotations to the agent. */
const TOLD = 'ISTIO_PROMETHEUS_ANNOTATIONS';
const AGENT_PORT = '15020';
/** Ports of the sidecar itself: whoever merged them would scrape himself, or count twice. */
const RESERVED = new Set([15_000, 15_001, 15_004, 15_006, 15_008, 15_020, 15_021, 15_053, 15_090]);
/** What Go's `strconv.ParseBool` takes for false. */
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Prometheus makes one label of `prometheus.io/port`, `prometheus.io.port` and `prometheus-io/port`. */
const fieldOf = (annotation: string): keyof Scraping | undefined =>
  /^prometheus_io_(scrape|port|path)$/.exec(annotation.replace(/\W/g, '_'))?.[1] as keyof Scraping | undefined;

function scrapingOf(annotations: Readonly<Record<string, string>>): Scraping {
  const entries = Object.entries(annotations).flatMap(([name, value]) => {
    const field = fieldOf(name);
    return field ? [[field, value] as const] : [];
  });
  return Object.fromEntries(entries);
}

/**
 * What Istio's injector makes of a pod's scrape annotations: they name the agent, and the agent is told what they said before. A pod that
 * opts out (`prometheus.io/scrape: "false"`, `prometheus.istio.io/merge-metrics: "false"`) keeps its own.
 * @returns `env`: variables for the agent.
 */
export function mergeScraping(annotations: Readonly<Record<string, string>> = {}): {
  readonly annotations: Readonly<Record<string, string>>;
  readonly env: readonly { readonly name: string; readonly value: string }[];
} {
  const said = scrapingOf(annotations);
  const out = FALSE.has(said.scrape ?? '') || FALSE.has(annotations['prometheus.istio.io/merge-metrics'] ?? '');
  if (out || said.port === AGENT_PORT) return { annotations, env: [] };
  const rest = Object.entries(annotations).filter(([name]) => fieldOf(name) === undefined);
  return {
    annotations: {
      ...Object.fromEntries(rest),
      'prometheus.io/path': '/stats/prometheus',
      'prometheus.io/port': AGENT_PORT,
      'prometheus.io/scrape': 'true',
    },
    env: Object.keys(said).length === 0 ? [] : [{ name: TOLD, value: JSON.stringify(said) }],
  };
}

/** Where the application of an injected pod serves metrics, as its agent was told; by default port 80 and `/metrics`. */
function mergedPlace(pod: KubeObject): MetricsPlace | undefined {
  const { containers, initContainers = [] } = podSpec(pod);
  const env = [...containers, ...initContainers].flatMap((container) => container.env ?? []);
  const told = env.find(({ name }) => name === TOLD)?.value;
  if (told === undefined) return undefined;
  try {
    const { port, path } = JSON.parse(told) as Scraping;
    return placeOf(port ?? '80', path);
  } catch {
    return undefined;
  }
}

function placeOf(port: string, path = '/metrics'): MetricsPlace | undefined {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) return undefined;
  return { port: number, path: path.startsWith('/') ? path : `/${path}` };
}

/** Where the job `kubernetes-pods` of Istio's Prometheus scrapes a pod; undefined: it leaves the pod out. */
export function scrapedPlace(pod: KubeObject): MetricsPlace | undefined {
  const { scrape, port, path } = scrapingOf(pod.metadata.annotations ?? {});
  if (scrape !== 'true') return undefined;
  const declared = podSpec(pod).containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  return placeOf(port ?? String(declared ?? ''), path);
}

/** Where the pod's application serves metrics of its own, whether the agent merges them or not; undefined: nobody asks for any. */
export function applicationPlace(pod: KubeObject): MetricsPlace | undefined {
  const place = mergedPlace(pod) ?? scrapedPlace(pod);
  return place && !RESERVED.has(place.port) ? place : undefined;
}
