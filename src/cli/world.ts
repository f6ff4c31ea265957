import { isDeepStrictEqual } from 'node:util';
import { ConfigError, type Problem } from '../base/errors.js';
import { apiGroup, type KubeObject, objectRef } from '../base/kubernetes.js';
import { wantsSidecar } from '../mesh/injection.js';
import { isWorkload, podsOfWorkloads, workloadOf } from '../mesh/pods.js';
import { labels, record, text } from '../mesh/read.js';
import type { MeshWarning } from '../mesh/types.js';
import { manifestsOf, readManifests } from '../scenario/manifests.js';
import { checkFields, fieldLine } from './manifestFields.js';
import { type PlacedObject, placeOf } from './placed.js';

export interface World {
  readonly placed: readonly PlacedObject[];
  readonly objects: readonly KubeObject[];
  readonly warnings: readonly MeshWarning[];
  /** Objects of which the files hold several that differ, each with all of them; the last one is in `placed`. */
  readonly alternatives: readonly (readonly PlacedObject[])[];
  /** What was left out, one line each. */
  readonly notes: readonly string[];
  /** Fields that nothing reads, one line each; they are among the warnings too. */
  readonly unknownFields: readonly string[];
}

export interface ReadOptions {
  readonly cwd: string;
  /** For namespaced objects that name none. */
  readonly namespace: string;
  /** Read where a place is `-`. */
  readonly stdin: NodeJS.ReadableStream;
  /** Of a live cluster; the files are laid over it as if they were applied. */
  readonly live?: readonly KubeObject[];
}

/**
 * The objects of files, folders and standard input as a cluster would hold them after applying all: the last of one identity wins.
 * @throws ConfigError with every problem of every file.
 */
export async function readWorld(places: readonly string[], options: ReadOptions): Promise<World> {
  const { cwd, namespace, live = [] } = options;
  const problems: Problem[] = [];
  const notes: string[] = [];
  const byIdentity = new Map<string, PlacedObject>(live.map((object) => [identityOf(object), { object, lines: {} }]));
  const written = new Map<string, PlacedObject[]>();
  const warnings: MeshWarning[] = [];
  const unknownFields: string[] = [];
  for (const place of places) {
    const read =
      place === '-'
        ? manifestsOf(await textOf(options.stdin), STDIN, { namespace, strangers: 'ignore' })
        : await readManifests(place, cwd, { namespace, strangers: 'ignore' });
    problems.push(...read.problems);
    if (place === '-' && read.objects.length + read.problems.length === 0)
      problems.push({
        file: STDIN,
        message: 'holds no object',
        hint: 'pipe manifests into it, as of helm template CHART',
      });
    notes.push(...read.ignored.map(noteOf));
    for (const found of read.objects) {
      const manifest = { ...found, object: unversioned(found.object) };
      const fields = checkFields(manifest);
      warnings.push(...fields.warnings);
      unknownFields.push(...fields.warnings.map((warning) => fieldLine(manifest, warning)));
      problems.push(...fields.problems.filter((one) => !problems.some((other) => samePlace(one, other))));
      const key = identityOf(manifest.object);
      const before = byIdentity.get(key);
      written.set(key, [...(written.get(key) ?? []), manifest]);
      byIdentity.set(key, before ? over(before.object, manifest) : manifest);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const placed = [...byIdentity.values()];
  const objects = placed.map(({ object }) => object);
  const alternatives = [...written.values()].filter(differ);
  return {
    placed,
    objects: live.length > 0 ? [...objects, ...podsToCome(placed)] : objects,
    warnings: [...alternatives.map(definedTwice), ...warnings],
    alternatives,
    notes,
    unknownFields,
  };
}

/** `m/x.yaml:4: is a template (render it first)` */
const noteOf = ({ file, line, message, hint }: Problem): string =>
  `${[file, line].filter((part) => part !== undefined).join(':')}: ${message} (${hint})`;

const samePlace = (one: Problem, other: Problem): boolean => one.file === other.file && one.path === other.path;

const differ = (all: readonly PlacedObject[]): boolean =>
  all.some(({ object }) => !isDeepStrictEqual(object, all[0]?.object));

const refOf = (all: readonly PlacedObject[]): string => (all[0] ? objectRef(all[0].object) : '');

const SHOWN = 4;

export const shortList = (names: readonly string[]): string =>
  names.length <= SHOWN
    ? names.join(', ')
    : `${names.slice(0, SHOWN - 1).join(', ')} and ${names.length - SHOWN + 1} more`;

function definedTwice(all: readonly PlacedObject[]): MeshWarning {
  const others = all.slice(0, -1);
  const message = `${shortList(others.map(placeOf))} ${others.length === 1 ? 'defines' : 'define'} it too; the last one counts, as when all are applied in this order.`;
  return { code: 'DEFINED_TWICE', object: refOf(all), field: 'metadata.name', message };
}

/** One line on all of them; none: there are none. */
export function alternativesLine({ alternatives }: World): string[] {
  if (alternatives.length === 0) return [];
  const each = alternatives.map((all) => `${refOf(all)} (${all.length}, the last in ${all.slice(-1).map(placeOf)})`);
  return [
    `several that differ, of which the last one counts, as when all are applied in this order: ${shortList(each)}\n    where they are alternatives, name the files that are meant instead of their folder`,
  ];
}

/** Without the version that a cluster gave it: it no longer tells whether the object has changed. */
export function unversioned(object: KubeObject): KubeObject {
  const { resourceVersion, ...metadata } = object.metadata;
  return resourceVersion === undefined ? object : { ...object, metadata };
}

const identityOf = (object: KubeObject): string => `${apiGroup(object.apiVersion)} ${objectRef(object)}`;

/** Applied over an object that is there, which keeps its age: that decides between objects that compete. */
function over({ metadata }: KubeObject, manifest: PlacedObject): PlacedObject {
  const { creationTimestamp, uid } = metadata;
  const kept = { ...(creationTimestamp ? { creationTimestamp } : {}), ...(uid ? { uid } : {}) };
  return { ...manifest, object: { ...manifest.object, metadata: { ...manifest.object.metadata, ...kept } } };
}

/** Ready pods for the Deployments and the like of files that a live cluster has no pods of yet. */
function podsToCome(placed: readonly PlacedObject[]): KubeObject[] {
  const live = new Set(
    placed
      .filter(({ object }) => object.kind === 'Pod')
      .map(({ object }) => `${object.metadata.namespace}/${workloadOf(object)}`),
  );
  const missing = placed.filter(
    ({ object, file }) =>
      file !== undefined && isWorkload(object) && !live.has(`${object.metadata.namespace}/${object.metadata.name}`),
  );
  return podsOfWorkloads(missing.map(({ object }) => object)).map((pod) => {
    const owner = missing.find(
      ({ object: { metadata } }) => metadata.namespace === pod.namespace && metadata.name === pod.workload,
    );
    const template = record(owner?.object.spec?.template);
    const metadata = record(template.metadata);
    const namespace = placed.find(
      ({ object }) => object.kind === 'Namespace' && object.metadata.name === pod.namespace,
    );
    const own = { labels: labels(metadata.labels), annotations: labels(metadata.annotations) };
    // As for callers, a sidecar is taken for granted where nobody says anything.
    const sidecar = wantsSidecar(own, namespace?.object.metadata) !== false;
    const ports = [...pod.portNames].map(([name, containerPort]) => ({ name, containerPort }));
    const account = text(record(template.spec).serviceAccountName);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod.key.slice(pod.namespace.length + 1), namespace: pod.namespace, labels: { ...pod.labels } },
      spec: {
        ...(account ? { serviceAccountName: account } : {}),
        containers: [{ name: 'app', ports }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])],
      },
      status: { phase: 'Running', podIP: pod.ip, conditions: [{ type: 'Ready', status: 'True' }] },
    };
  });
}

const STDIN = 'standard input';

/** More than any manifest may have is not read further: it is refused by its size. */
const MOST_INPUT = 5_000_000;

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part = Buffer.from(chunk as string | Buffer);
    chunks.push(part);
    bytes += part.length;
    if (bytes > MOST_INPUT) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
