import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import { confidenceSequence } from '../confidence.js';
import { attributed, goodObservation } from '../tallies.js';
import { amount, list, percent } from '../words.js';
import { arrivesNameless, callerPods, hasSidecar } from './callers.js';
import { passedBy } from './counted.js';
import { balancedFlow, promisedFlow, seen } from './flow.js';
import type { Candidate, CauseKind } from './kind.js';
import { TOLERATED } from './likelihood.js';
import { at, type DiagnosisInput, deploymentsOf, find, items, namespaceOf, ofKind, placeOf, text } from './objects.js';
import { fromObjects, type Place } from './place.js';
import { policiesOf } from './policies.js';

/** How sure one must be to name a version. */
const ALPHA = 1e-4;

/** 36: a version that answers, but with errors. */
export const versionFails: CauseKind = {
  code: 'VERSION_FAILS',
  number: 36,
  title: 'the version itself answers with errors',
  confirm: (input) => failingVersions(input),
  predict: ({ version = '' }, input) => {
    const { total = 0, failed = 0 } = goodObservation(input.observations, 'source')?.counts.versions[version] ?? {};
    return { ...seen(promisedFlow(input), { [version]: total === 0 ? 0 : failed / total }), fitted: 1 };
  },
};

/** 1: a caller whose calls no proxy sees. */
export const callerWithoutSidecar: CauseKind = {
  code: 'CALLER_WITHOUT_SIDECAR',
  number: 1,
  title: 'the caller has no sidecar, so kube-proxy balances its connections',
  confirm: (input) =>
    fromObjects(
      bareCaller(input).map((place) => (arrivesNameless(input) ? { ...place, lnEvidence: -Math.log(ALPHA) } : place)),
    ),
  predict: (_candidate, input) => {
    const passed = passedBy(input);
    if (arrivesNameless(input)) return passed;
    const { destination } = seen(balancedFlow(input)).points;
    return {
      ...passed,
      points: { ...passed.points, ...(destination ? { destination } : {}) },
      residuals: [
        { vantagePoint: 'source', sign: 'fewer' },
        { vantagePoint: 'destination', sign: 'more' },
      ],
    };
  },
};

function failingVersions(input: DiagnosisInput): Candidate[] {
  const counts = goodObservation(input.observations, 'source')?.counts;
  const max = input.stage.expect.errors?.max ?? TOLERATED;
  const ejects = policiesOf(input).some(({ value }) => at(value, 'outlierDetection') !== undefined);
  return Object.entries(counts?.versions ?? {}).flatMap(([version, { total, failed }]): Candidate[] => {
    if (failed === 0 || confidenceSequence(failed, total, ALPHA).low <= max) return [];
    // What cannot be reached answers nothing, and is taken out.
    if (ejects && unreachable(counts?.responses ?? {})) return [];
    const deployment = deploymentsOf(input, version)[0];
    const { namespace, service } = input.scenario;
    const statuses = Object.entries(counts?.responses ?? {})
      .filter(([key]) => key.startsWith('5') || key.startsWith('0'))
      .map(([key, count]) => `${key.replace(/ -$/, '')}: ${amount(count)}`);
    return [
      {
        confirmedBy: 'counts',
        lnEvidence: -Math.log(ALPHA),
        version,
        object: deployment ? objectRef(deployment) : `Service/${namespace}/${service}`,
        field: 'responses',
        found: `${amount(failed)} of ${amount(total)} calls to ${version} failed (${percent(failed / total)})${statuses.length > 0 ? `; all versions: ${list(statuses)}` : ''}`,
        expected: `at most ${percent(max)}`,
        fix: unreachable(counts?.responses ?? {})
          ? `Its pods are ready, and connections to them fail: look for what stands between (nodes, their zone, NetworkPolicy, mutual TLS), then at the pods: kubectl get pods -n ${namespace} -o wide.`
          : `The answers are its own errors, look into its logs: kubectl logs -n ${namespace} ${deployment ? `deployment/${deployment.metadata.name}` : `-l ${selecting(input, version)}`} --since=10m. The application may hide them from the client by retries and an error page with status 200.`,
      },
    ];
  });
}

const failedWith = (responses: Readonly<Record<string, number>>, flags: RegExp): number =>
  Object.entries(responses).reduce((sum, [response, count]) => sum + (flags.test(response) ? count : 0), 0);

/** Most failures are connections that could not be opened. */
function unreachable(responses: Readonly<Record<string, number>>): boolean {
  return failedWith(responses, /^(5|0).* .*\bUF\b/) > failedWith(responses, /^(5|0)/) / 2;
}

/** `version=v2`, as kubectl takes it. */
const selecting = ({ scenario }: DiagnosisInput, version: string): string =>
  Object.entries(scenario.versions[version] ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** Only told where the source proxies are silent, or where some pods of the caller have a sidecar and others have none. */
function bareCaller(input: DiagnosisInput): Place[] {
  const { from, namespace } = input.scenario;
  if (from === undefined) return [];
  const deployment = find(input, 'Deployment', namespace, from);
  const pods = callerPods(input, from).filter((pod) => !pod.metadata.deletionTimestamp);
  const bare = pods.filter((pod) => !hasSidecar(pod) && !ambient(input, pod));
  const source = goodObservation(input.observations, 'source');
  const silent = !source || attributed(source.counts) + source.counts.unknown.total === 0;
  const first = bare[0];
  if (!first || (!silent && bare.length === pods.length)) return [];
  const linkerd = input.scenario.mesh === 'linkerd';
  const annotation = linkerd ? 'linkerd.io/inject' : 'sidecar.istio.io/inject';
  const wanted = linkerd ? 'enabled' : 'true';
  const template = at(deployment?.spec, 'template', 'metadata');
  const set = text(at(template, 'annotations', annotation)) ?? text(at(template, 'labels', annotation));
  if (deployment && set !== wanted) {
    const field = `spec.template.metadata.annotations.${annotation}`;
    const place = placeOf(input, deployment, field);
    const fix = `Set the annotation ${annotation}: "${wanted}" on the pod template: calls of a pod without sidecar are not routed by the mesh.`;
    return [
      {
        object: objectRef(deployment),
        field,
        found: set ?? 'absent',
        expected: wanted,
        fix,
        ...(place ? { place } : {}),
      },
    ];
  }
  const containers = items(first.spec?.containers).map((each) => text(at(each, 'name')) ?? '');
  return [
    {
      object: objectRef(first),
      field: 'spec.containers',
      found: list(containers),
      expected: linkerd ? 'linkerd-proxy' : 'istio-proxy',
      fix: `The pod was started without a sidecar: check that injection is on in namespace ${namespace}, then kubectl rollout restart deployment ${from} -n ${namespace}.`,
    },
  ];
}

function ambient(input: DiagnosisInput, pod: KubeObject): boolean {
  const namespace = ofKind(input, 'Namespace').find((each) => each.metadata.name === namespaceOf(pod));
  const mode =
    pod.metadata.labels?.['istio.io/dataplane-mode'] ?? namespace?.metadata.labels?.['istio.io/dataplane-mode'];
  return mode === 'ambient';
}
