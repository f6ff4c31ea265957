import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import { goodObservation, versionTotal } from '../tallies.js';
import type { Cause } from '../types.js';
import { amount, counted, list } from '../words.js';
import { hasSidecar } from './callers.js';
import { causeAt, type Endpoint, endpointsOf } from './evidence.js';
import { at, type DiagnosisInput, items, labels, namespaceOf, ofKind, text } from './objects.js';

/** Calls that a version must have got before its own proxies' silence says something. */
const ENOUGH = 20;
/** A version's proxies that tell of less than this part of the calls are silent. */
const SILENT = 0.1;

/** Versions that the callers' proxies know of, and their own proxies do not. */
function silentVersions(input: DiagnosisInput): { version: string; calls: number; told: number }[] {
  const source = goodObservation(input.observations, 'source')?.counts;
  if (!source) return [];
  const destination = goodObservation(input.observations, 'destination')?.counts;
  const asked = input.observations.observations.find(({ vantagePoint }) => vantagePoint === 'destination');
  // Unreachable is not silent: then Prometheus itself would have to answer for the source as well.
  if (!asked) return [];
  return Object.keys(input.scenario.versions).flatMap((version) => {
    const calls = versionTotal(source, version);
    const told = destination ? versionTotal(destination, version) : 0;
    return calls >= ENOUGH && told < SILENT * calls ? [{ version, calls, told }] : [];
  });
}

/** Pods without a proxy answer like others, but nobody counts there, and strict mutual TLS shuts them out. */
export function withoutSidecar(input: DiagnosisInput): Cause[] {
  return silentVersions(input).flatMap(({ version, calls, told }): Cause[] => {
    const bare = endpointsOf(input).filter(
      (each) => each.version === version && !hasSidecar(each.pod) && !ambient(input, each),
    );
    const [first] = bare;
    if (!first) return [];
    const owner = ownerOf(input, first);
    const strict = ofKind(input, 'PeerAuthentication').some((each) => text(at(each.spec, 'mtls', 'mode')) === 'STRICT');
    const fix = `Inject the sidecar (annotation or label sidecar.istio.io/inject: "true", or the namespace's), then restart the pods of ${version}${strict ? ': under strict mutual TLS their callers fail, too' : ': nothing counts what reaches them'}.`;
    const rest = {
      code: 'VERSION_WITHOUT_SIDECAR',
      found: `no istio-proxy in ${list(bare.map(({ name }) => name))}; ${counted(calls, 'calls')}, ${amount(told)} of them told by a proxy of ${version}`,
      expected: 'istio-proxy',
      fix,
    } as const;
    return [causeAt(input, owner ?? first.pod, owner ? 'spec.template.metadata.annotations' : 'spec.containers', rest)];
  });
}

function ambient(input: DiagnosisInput, { pod }: Endpoint): boolean {
  const namespace = ofKind(input, 'Namespace').find((each) => each.metadata.name === namespaceOf(pod));
  const mode = (object: KubeObject | undefined) => object?.metadata.labels?.['istio.io/dataplane-mode'];
  return (mode(pod) ?? mode(namespace)) === 'ambient';
}

function ownerOf(input: DiagnosisInput, { pod }: Endpoint): KubeObject | undefined {
  return ofKind(input, 'Deployment').find((deployment) => {
    const selector = labels(at(deployment.spec, 'selector', 'matchLabels'));
    const selects = Object.keys(selector).length > 0 && labelsMatch(selector, pod.metadata.labels);
    return selects && namespaceOf(deployment) === namespaceOf(pod);
  });
}

/** Proxies that are there and tell nothing: switched off, or not scraped. */
export function notCounted(input: DiagnosisInput): Cause[] {
  return silentVersions(input).flatMap(({ version, calls, told }): Cause[] => {
    const pods = endpointsOf(input).filter((each) => each.version === version && hasSidecar(each.pod));
    if (pods.length === 0) return [];
    const found = `${counted(calls, 'calls')}, ${amount(told)} of them told by a proxy of ${version}`;
    const switchedOff = telemetryInTheWay(input, pods);
    if (switchedOff) {
      const fix =
        'Remove the override: the metric, or the label that tells the versions apart, is dropped at these proxies.';
      const expected = 'no override of REQUEST_COUNT';
      return [
        causeAt(input, switchedOff.object, switchedOff.field, { code: 'TELEMETRY_DROPPED', found, expected, fix }),
      ];
    }
    const { targets } = input.evidence ?? {};
    if (!targets || targets.length === 0) return [];
    const unscraped = pods.filter(({ name }) => !targets.some((target) => target.name === name && target.up));
    const [first] = unscraped;
    if (!first) return [];
    const failing = targets.some(({ name }) => name === first.name);
    const names = list(unscraped.map(({ name }) => name));
    return [
      causeAt(input, first.pod, 'metadata.annotations', {
        code: 'TELEMETRY_DROPPED',
        found: `${failing ? 'scrapes fail' : 'no scrape target'} for ${names}; ${found}`,
        expected: 'a target that is up',
        fix: failing
          ? 'See why the scrape fails on the targets page of Prometheus (port 15020 or 15090 of the pod, network policies).'
          : 'Let Prometheus scrape these pods: prometheus.io/scrape, port and path annotations, its namespaces and relabel rules.',
      }),
    ];
  });
}

const COUNTED = ['ALL_METRICS', 'REQUEST_COUNT'];
const TELLING = ['destination_version', 'destination_workload', 'destination_canonical_revision', 'reporter'];

/** A Telemetry of the root namespace, the namespace or these pods that drops the counter, or what tells the versions apart. */
function telemetryInTheWay(input: DiagnosisInput, pods: readonly Endpoint[]) {
  for (const object of ofKind(input, 'Telemetry')) {
    const selector = labels(at(object.spec, 'selector', 'matchLabels'));
    const applies =
      namespaceOf(object) === 'istio-system' ||
      (namespaceOf(object) === input.scenario.namespace &&
        pods.some(({ pod }) => labelsMatch(selector, pod.metadata.labels)));
    if (!applies) continue;
    for (const [metric, each] of items(object.spec?.metrics).entries()) {
      for (const [override, rule] of items(at(each, 'overrides')).entries()) {
        const name = text(at(rule, 'match', 'metric')) ?? 'ALL_METRICS';
        const side = text(at(rule, 'match', 'mode')) ?? 'CLIENT_AND_SERVER';
        if (!COUNTED.includes(name) || side === 'CLIENT') continue;
        const field = `spec.metrics[${metric}].overrides[${override}]`;
        const disabled = at(rule, 'disabled');
        if (disabled === true || at(disabled, 'value') === true) return { object, field: `${field}.disabled` };
        const removed = TELLING.find((tag) => text(at(rule, 'tagOverrides', tag, 'operation')) === 'REMOVE');
        if (removed) return { object, field: `${field}.tagOverrides.${removed}` };
      }
    }
  }
  return undefined;
}

/** Copies of one pod's series whose counts differ by more than this are no double scrape, but one that moved. */
const ALIKE = 0.8;

/** The same counters under two jobs or replicas of Prometheus: every sum over them counts each request twice. */
export function scrapedTwice(input: DiagnosisInput): Cause[] {
  const { source, destination } = input.evidence ?? {};
  const copies = [...(source?.copies ?? []), ...(destination?.copies ?? [])].filter(({ counts }) => {
    const values = Object.values(counts);
    return Math.min(...values) >= Math.max(ENOUGH, ALIKE * Math.max(...values));
  });
  const [first] = copies;
  if (!first) return [];
  const scrapes = Object.keys(first.counts);
  const others = new Set(copies.map(({ proxy }) => proxy)).size - 1;
  const pod = ofKind(input, 'Pod').find(({ metadata }) => metadata.name === first.proxy);
  return [
    {
      code: 'SCRAPED_TWICE',
      object: pod ? objectRef(pod) : `Pod/${input.scenario.namespace}/${first.proxy}`,
      field: 'istio_requests_total',
      found: `${list(scrapes)}, with ${list(Object.values(first.counts).map(amount))} requests${others > 0 ? `; ${counted(others, 'more pods')} alike` : ''}`,
      expected: 'one series for each set of labels',
      fix: 'Scrape each proxy by one job, and ask one Prometheus (or deduplicate its replicas): sums over these series count every request more than once, errors and ledgers included.',
    },
  ];
}
