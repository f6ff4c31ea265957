import { ConfigError, EnvironmentError, formatProblem, type Problem } from '../base/errors.js';
import { apiGroup, type KubeObject, labelsMatch, objectRef } from '../base/kubernetes.js';
import type { EntryPoint } from '../lab/entry.js';
import type { ObjectsRefused } from '../lab/startObjects.js';
import { wantsSidecar } from '../mesh/injection.js';
import { GATEWAY_NAME } from '../mesh/kubernetesGateway.js';
import { labels, record, records } from '../mesh/read.js';
import { isDerived, isOwnWorkload } from '../mesh/releases.js';
import { objectsBefore } from '../scenario/before.js';
import type { Scenario } from '../scenario/types.js';
import { parseTo } from './explainInput.js';
import type { Io } from './io.js';
import { lineOf, type PlacedObject, placeOf } from './placed.js';
import { chosenStages } from './stages.js';
import { alternativesLine, readWorld, shortList } from './world.js';

/** What a lab starts with. */
export interface LabObjects {
  readonly objects: readonly KubeObject[];
  readonly placed: readonly PlacedObject[];
  /** What the person should know of them, one line each. */
  readonly notes: readonly string[];
}

/** @throws ConfigError with every problem of the files, or when no stage has the name. */
export async function labObjects(
  scenario: Scenario,
  { file, beforeStage }: { readonly file: readonly string[]; readonly beforeStage?: string },
  { cwd, stdin }: Pick<Io, 'cwd' | 'stdin'>,
): Promise<LabObjects> {
  if (file.length === 0) {
    if (beforeStage !== undefined) chosenStages(scenario, [beforeStage], '--before-stage');
    const placed = [...scenario.lab.objects, ...scenario.stages.flatMap(({ apply }) => apply)];
    return { objects: objectsBefore(scenario, beforeStage), placed, notes: [] };
  }
  if (beforeStage !== undefined) {
    const message = 'the files of -f replace the objects of the scenario';
    throw new ConfigError([{ path: '--before-stage', message, hint: 'leave one of the two out' }]);
  }
  const world = await readWorld(file, { cwd, stdin, namespace: 'default' });
  const { placed } = world;
  const objects = world.objects.filter((object) => !isDerived(object));
  if (objects.length === 0) {
    const message = 'hold no object that the lab could play';
    const hint =
      world.notes.length > 0 ? `left out: ${world.notes.join('; ')}` : 'name manifests with Services and Deployments';
    throw new ConfigError([{ file: file.join(', '), message, hint }]);
  }
  const derived = world.objects.length - objects.length;
  return {
    objects,
    placed,
    notes: [
      ...world.notes.map((note) => `left out: ${note}`),
      ...(derived > 0
        ? [`left out: ${derived} objects that controllers make of others, such as ReplicaSets and pods`]
        : []),
      ...world.unknownFields,
      ...alternativesLine(world),
      ...withoutSidecar(objects),
      ...withoutGateway(objects),
    ],
  };
}

/** The Service of `--entry`. @throws ConfigError when the objects have no such one. */
export function entryPoint(text: string, objects: readonly KubeObject[]): EntryPoint {
  const { host, port } = parseTo(text, '--entry');
  const services = objects
    .filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1')
    .flatMap(({ metadata: { name, namespace = 'default' }, spec }) =>
      records(spec?.ports).map((each) => ({ service: name, namespace, port: Number(each.port) })),
    );
  const found = services.find(
    (each) =>
      [each.service, `${each.service}.${each.namespace}`].includes(host) && (port === undefined || each.port === port),
  );
  if (found) return found;
  const names = services.map((each) => `${each.service}.${each.namespace}:${each.port}`);
  const hint = names.length > 0 ? `there are ${shortList(names)}` : 'the objects have no Service with a port';
  throw new ConfigError([{ file: '--entry', message: `no Service is ${JSON.stringify(text)}`, hint }]);
}

/** A line for every namespace with workloads of which nobody says whether they get a sidecar: then they get none. */
function withoutSidecar(objects: readonly KubeObject[]): string[] {
  const spaces = new Map(objects.filter(({ kind }) => kind === 'Namespace').map((o) => [o.metadata.name, o.metadata]));
  const bare = new Map<string, string[]>();
  for (const { metadata, spec } of objects.filter(isOwnWorkload)) {
    const { namespace = 'default', name } = metadata;
    const template = record(record(spec?.template).metadata);
    const own = { labels: labels(template.labels), annotations: labels(template.annotations) };
    const containers = records(record(record(spec?.template).spec).containers);
    // A gateway's pod, or one that was injected by hand.
    if (containers.some((container) => container.name === 'istio-proxy')) continue;
    if (wantsSidecar(own, spaces.get(namespace)) === undefined)
      bare.set(namespace, [...(bare.get(namespace) ?? []), name]);
  }
  return [...bare].map(
    ([namespace, names]) =>
      `no sidecar: ${shortList(names)} in namespace ${namespace}: neither the namespace nor the pods ask for one, so no route applies to their calls and nothing counts them\n    bring a Namespace ${namespace} with the label istio-injection: enabled, or, as on a cluster: kubectl label namespace ${namespace} istio-injection=enabled && kubectl -n ${namespace} rollout restart deployment`,
  );
}

/** A line on the Gateways that no workload of the objects serves. */
function withoutGateway(objects: readonly KubeObject[]): string[] {
  const pods = objects.filter(isOwnWorkload).map(({ spec }) => labels(record(record(spec?.template).metadata).labels));
  const idle = objects.filter(({ kind, apiVersion, metadata, spec }) => {
    if (kind !== 'Gateway') return false;
    const istio = apiGroup(apiVersion) === 'networking.istio.io';
    const selector = istio ? labels(spec?.selector) : { [GATEWAY_NAME]: metadata.name };
    return !pods.some((own) => labelsMatch(selector, own));
  });
  if (idle.length === 0) return [];
  return [
    `no gateway: no workload here serves ${shortList(idle.map(objectRef))}, so their routes are not passed: baseUrl leads to a Service itself\n    what they do is told by: weighbridge explain --gateway --from istio-ingressgateway.istio-system`,
  ];
}

/** What the lab has no kind for, one line each. */
export const unknownKinds = (unknown: readonly KubeObject[], placed: readonly PlacedObject[]): string[] =>
  unknown.map((object) => {
    const manifest = placed.find((each) => each.object === object);
    const { apiVersion, kind, metadata } = object;
    return `left out: ${manifest ? `${placeOf(manifest)}: ` : ''}${kind} ${metadata.name}, the lab has no ${apiVersion} ${kind}`;
  });

/**
 * The refusals of the lab's API server with the places of what was refused.
 * @param foreign the API server is not the lab's own, so not only the manifests can be wrong.
 */
export function refusedError({ refusals }: ObjectsRefused, placed: readonly PlacedObject[], foreign: boolean): Error {
  const problems = refusals.map(({ object, message, field }): Problem => {
    const manifest = placed.find((each) => each.object === object);
    const line = manifest && lineOf(manifest, field ?? '');
    return {
      ...(manifest?.file === undefined ? {} : { file: manifest.file }),
      ...(line === undefined ? {} : { line }),
      path: objectRef(object),
      message: `the ${foreign ? '' : "lab's "}API server refuses it: ${message}`,
      ...(foreign ? {} : { hint: 'a cluster would refuse it as well; repair it, or leave it out' }),
    };
  });
  return foreign
    ? new EnvironmentError('E_LAB_OBJECTS', problems.map(formatProblem).join('\n'))
    : new ConfigError(problems);
}
