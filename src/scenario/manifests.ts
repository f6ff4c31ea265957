import path from 'node:path';
import type { Problem } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { isNamespaced, kindsOfGroup } from './kinds.js';
import { filesOf, foldersBelow, nameThem } from './manifest-files.js';
import { checkIdentity, checkManifest } from './manifest-rules.js';
import { readTextFile } from './text-file.js';
import type { ManifestObject } from './types.js';
import { type Path, parseYaml, pathText, type YamlText } from './yaml-text.js';

/** Istio's own installation, the largest manifest people meet, has 1.1 MB. */
const MAX_MANIFEST_BYTES = 4_194_304;
export interface Manifests {
  readonly objects: ManifestObject[];
  readonly problems: Problem[];
  /** What a folder holds beside Kubernetes objects; only with `strangers: 'ignore'`. */
  readonly ignored: Problem[];
}

export interface ManifestOptions {
  /** Given to namespaced objects that name none; default: they stay without. */
  readonly namespace?: string;
  /** How problems name the place; default: as it is written. */
  readonly shown?: string;
  /** A folder's YAML that is no Kubernetes object: a problem (the default), or named in `ignored` and left out. */
  readonly strangers?: 'ignore';
}

/**
 * Reads the Kubernetes objects of a file, or of a folder's *.yaml, *.yml and *.json files in the order of their names (as kubectl does,
 * without its subfolders). Several documents a file and `kind: List` are taken apart. Nothing is thrown: what is wrong is in `problems`,
 * and objects are those without a problem of their identity.
 * @param where relative to `cwd`; files are named in the same style.
 */
export async function readManifests(where: string, cwd: string, options: ManifestOptions = {}): Promise<Manifests> {
  const result: Manifests = { objects: [], problems: [], ignored: [] };
  const root = path.resolve(cwd, where);
  const shown = options.shown ?? where;
  const files = await filesOf(root, shown, result.problems);
  for (const file of files) {
    const read = await readTextFile(file.path, file.shown, MAX_MANIFEST_BYTES);
    if ('problem' in read) result.problems.push(read.problem);
    // A file that is named itself is meant.
    else addText(read.text, file.shown, file.path === root ? { ...options, strangers: undefined } : options, result);
  }
  const usual = result.objects.some(({ object }) => kindsOfGroup(object.apiVersion) !== undefined);
  if (options.strangers === 'ignore' && files.some((file) => file.path !== root) && !usual) {
    const below = await foldersBelow(root, shown);
    if (below.length > 0)
      result.ignored.push({
        file: shown,
        message: 'its subfolders, as by kubectl',
        hint: nameThem(below),
      });
  }
  return result;
}

/** The objects of a text that comes from elsewhere than a file. */
export function manifestsOf(text: string, shown: string, options: ManifestOptions = {}): Manifests {
  const result: Manifests = { objects: [], problems: [], ignored: [] };
  if (Buffer.byteLength(text) > MAX_MANIFEST_BYTES) {
    const message = `is larger than ${MAX_MANIFEST_BYTES} bytes, the most that is read`;
    result.problems.push({ file: shown, message, hint: 'split it' });
  } else addText(text, shown, options, result);
  return result;
}

type Wanted = { readonly [key in keyof ManifestOptions]?: ManifestOptions[key] | undefined };

function addText(text: string, file: string, options: Wanted, result: Manifests): void {
  const own: Manifests = { objects: [], problems: [], ignored: [] };
  readObjects(text, file, options, own);
  const template = own.problems.length > 0 ? templateLine(text) : undefined;
  if (template !== undefined) {
    const problem = {
      file,
      line: template,
      message: 'is a template ({{ ... }}), not a manifest',
      hint: 'render it first: helm template CHART > rendered.yaml',
    };
    (options.strangers === 'ignore' ? result.ignored : result.problems).push(problem);
    return;
  }
  result.objects.push(...own.objects);
  result.problems.push(...own.problems);
  result.ignored.push(...own.ignored);
}

/** 1-based; undefined: there is no template's brace in it. */
function templateLine(text: string): number | undefined {
  const at = text.search(/\{\{-?\s*[.$"(a-z/]/);
  return at < 0 ? undefined : text.slice(0, at).split('\n').length;
}

function readObjects(text: string, file: string, options: Wanted, result: Manifests): void {
  const documents = parseYaml(text, file, 'kubectl');
  if (!Array.isArray(documents)) {
    result.problems.push(documents);
    return;
  }
  let found = 0;
  for (const document of documents) {
    result.problems.push(...document.problems);
    if (document.broken) {
      found++;
      continue;
    }
    if (document.isEmpty) continue;
    for (const base of objectPaths(document)) {
      found++;
      const stranger = options.strangers === 'ignore' ? strangerHint(valueAt(document, base)) : undefined;
      if (stranger === undefined) addObject(document, base, file, options.namespace, result);
      else {
        const message = 'is no Kubernetes object';
        result.ignored.push({
          file,
          line: base.length === 0 ? document.start : document.at(base).line,
          message,
          hint: stranger,
        });
      }
    }
  }
  if (found === 0 && options.strangers === undefined)
    result.problems.push({ file, line: 1, message: 'holds no object', hint: 'write one, or leave the file out' });
}

/** What to do about YAML that is something else than a Kubernetes object; undefined: it means to be one. */
function strangerHint(value: unknown): string | undefined {
  const { apiVersion, kind, metadata } = (isRecord(value) ? value : {}) as Record<string, unknown>;
  if (String(apiVersion).startsWith('kustomize.config.k8s.io/')) {
    return 'render it first: kubectl kustomize FOLDER | weighbridge explain -f -';
  }
  // Configuration of tools is written alike: `kind: IstioOperator`, `kind: Cluster`.
  const named = isRecord(metadata) && (metadata.name !== undefined || metadata.generateName !== undefined);
  const foreign = typeof apiVersion === 'string' && kindsOfGroup(apiVersion) === undefined && !named;
  return foreign || (apiVersion === undefined && kind === undefined)
    ? 'objects have apiVersion, kind and metadata.name'
    : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const valueAt = (document: YamlText, base: Path): unknown =>
  base.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], document.value);

/** Where the objects of a document are: itself, or the items of a List. */
function objectPaths(document: YamlText): Path[] {
  const value = document.value as { kind?: unknown; items?: unknown } | unknown[];
  if (Array.isArray(value) || typeof value !== 'object') return [[]];
  if (typeof value.kind !== 'string' || !value.kind.endsWith('List') || !Array.isArray(value.items)) return [[]];
  return value.items.map((_, index) => ['items', index]);
}

function addObject(
  document: YamlText,
  base: Path,
  file: string,
  namespace: string | undefined,
  result: Manifests,
): void {
  const value = valueAt(document, base);
  const report = (field: Path, message: string, hint?: string, what: 'key' | 'value' = 'value') =>
    result.problems.push({
      file,
      ...document.at([...base, ...field], what),
      ...(field.length === 0 ? {} : { path: pathText(field) }),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  if (!checkIdentity(value, report)) return;
  checkManifest(value, report, (field) => document.source([...base, ...field]));
  const object: KubeObject =
    namespace !== undefined && value.metadata.namespace === undefined && isNamespaced(value.apiVersion, value.kind)
      ? { ...value, metadata: { ...value.metadata, namespace } }
      : value;
  const line = base.length === 0 ? document.start : document.at(base).line;
  result.objects.push({ object, file, line, lines: document.fieldLines(base) });
}
