import { objectRef } from '../base/kubernetes.js';
import { DEFAULTS, precisionOf, watchOf } from './defaults.js';
import { checkExpectation, expectationOf } from './expectations.js';
import type { ReportAt } from './issues.js';
import { KNOWN_KINDS } from './kinds.js';
import { didYouMean, show } from './nearest.js';
import { checkResponseTime } from './responseTimes.js';
import { ScenarioFile } from './schema.js';
import { accepted, checkPrecision, markerOf, type Sections } from './sections.js';
import type { ManifestObject, ObjectRef } from './types.js';
import type { Path } from './yaml-text.js';

const shape = ScenarioFile.shape.stages.element.shape;

/** Objects of the manifests that a list of the scenario file names; problems are reported on the way. */
export type ReadList = (entries: readonly string[], path: Path) => Promise<ManifestObject[]>;

export interface StageParts {
  readonly apply: readonly ManifestObject[];
  readonly delete: readonly ObjectRef[];
}

/** Checks each stage part by part, so that a typo in one part hides no problem of the others. */
export async function checkStages(
  raw: unknown,
  sections: Sections,
  read: ReadList,
  report: ReportAt,
): Promise<StageParts[]> {
  const parts: StageParts[] = [];
  const lines = new Map<string, number>();
  for (const [index, value] of (Array.isArray(raw) ? raw : []).entries()) {
    const stage = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const path: Path = ['stages', index];
    const name = accepted(shape.name, stage.name);
    const earlier = name === undefined ? undefined : lines.get(name);
    if (earlier !== undefined)
      report(
        [...path, 'name'],
        `two stages are named ${show(name)}, stages[${earlier}] and this one`,
        'rename one; names tell stages apart',
      );
    else if (name !== undefined) lines.set(name, index);
    parts.push(await checkObjects(stage, path, sections, read, report));
    checkPromise(stage, path, sections, report);
  }
  return parts;
}

async function checkObjects(
  stage: Record<string, unknown>,
  path: Path,
  sections: Sections,
  read: ReadList,
  report: ReportAt,
): Promise<StageParts> {
  const apply = await read(accepted(shape.apply, stage.apply) ?? [], [...path, 'apply']);
  const refs: ObjectRef[] = [];
  for (const [index, text] of (accepted(shape.delete, stage.delete) ?? []).entries()) {
    const here: Path = [...path, 'delete', index];
    const ref = parseRef(text, sections.namespace ?? '', apply, (message, hint) => report(here, message, hint));
    if (!ref) continue;
    refs.push(ref);
    if (apply.some(({ object }) => sameRef(object, ref)))
      report(here, `${text} is both applied and deleted by this stage`, 'drop one of the two');
  }
  return { apply, delete: refs };
}

const sameRef = (object: ManifestObject['object'], ref: ObjectRef) =>
  object.kind === ref.kind && object.metadata.name === ref.name && (object.metadata.namespace ?? '') === ref.namespace;

/**
 * Parses `Kind/name` or `Kind/namespace/name`. An object that no stage applied is accepted: it may be the cluster's own, and its
 * absence is a warning of the run.
 */
function parseRef(
  text: string,
  namespace: string,
  applied: readonly ManifestObject[],
  report: (message: string, hint?: string) => void,
): ObjectRef | undefined {
  const [kind = '', ...rest] = text.split('/');
  const name = rest[rest.length - 1] ?? '';
  const names = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
  if (rest.length < 1 || rest.length > 2 || !rest.every((part) => names.test(part))) {
    report(`found ${show(text)}; allowed is Kind/name or Kind/namespace/name`, 'write for example VirtualService/shop');
    return undefined;
  }
  const kinds = [...KNOWN_KINDS, ...applied.map(({ object }) => object.kind)];
  if (!kinds.includes(kind)) {
    report(
      `unknown kind ${show(kind)}`,
      didYouMean(kind, kinds) ?? 'kinds are written as in manifests, such as VirtualService',
    );
    return undefined;
  }
  return { kind, namespace: rest.length === 2 ? (rest[0] ?? '') : namespace, name };
}

function checkPromise(stage: Record<string, unknown>, path: Path, sections: Sections, report: ReportAt): void {
  const own = accepted(shape.precision, stage.precision);
  const precision = precisionOf(sections.precision, own);
  checkPrecision(own, [...path, 'precision'], precision, report);
  const expect = accepted(shape.expect, stage.expect);
  if (expect === undefined || sections.versions === undefined) return;
  const promised = expectationOf(expect);
  const versions = Object.keys(sections.versions);
  const watch = watchOf(sections.watch, sections.direct);
  checkExpectation(promised, [...path, 'expect'], versions, precision, watch, report);
  if (!promised.responseTime) return;
  const surroundings = {
    versions,
    watch,
    marker: markerOf(sections.marker) !== undefined,
    timeout: sections.load && (sections.load.timeout ?? DEFAULTS.timeout),
  };
  checkResponseTime(promised.responseTime, [...path, 'expect', 'responseTime'], surroundings, report);
}

/** Reports objects that one list holds twice: the second would silently replace the first. */
export function reportTwins(objects: readonly ManifestObject[], path: Path, report: ReportAt): void {
  const seen = new Map<string, ManifestObject>();
  for (const entry of objects) {
    const ref = `${entry.object.apiVersion.split('/')[0]} ${objectRef(entry.object)}`;
    const first = seen.get(ref);
    if (first) {
      report(
        path,
        `${objectRef(entry.object)} is there twice, at ${first.file}:${first.line} and ${entry.file}:${entry.line}`,
        'the second would replace the first; drop one',
      );
    } else seen.set(ref, entry);
  }
}
