import type * as z from 'zod';
import { formatPercent } from '../base/units.js';
import { precisionOf, watchOf } from './defaults.js';
import { checkDistribution } from './distributions.js';
import type { ReportAt } from './issues.js';
import { didYouMean, show } from './nearest.js';
import { ScenarioFile } from './schema.js';
import { SEED_NAMES } from './seeds.js';
import type { Marker, Precision } from './types.js';
import { checkWorkload } from './workload-file.js';
import type { Path } from './yaml-text.js';

/** The sections of a scenario file, each undefined where it is absent or not what the schema wants; so one bad section hides no other's problems. */
export type Sections = { readonly [Key in keyof ScenarioFile]?: ScenarioFile[Key] | undefined } & {
  /** The file names no calling workload: the load calls the Service itself. */
  readonly direct: boolean;
};

/** The value when the schema accepts it. */
export function accepted<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> | undefined {
  const result = schema.safeParse(value);
  return result.success ? result.data : undefined;
}

export function sectionsOf(raw: Record<string, unknown>): Sections {
  const entries = Object.entries(ScenarioFile.shape).map(([key, schema]) => [key, accepted(schema, raw[key])]);
  return { ...Object.fromEntries(entries), direct: raw.from === undefined } as Sections;
}

/** The marker in its final form; undefined for `off`. */
export function markerOf(written: ScenarioFile['marker']): Marker | undefined {
  if (written === undefined || written === 'off') return undefined;
  const { uri, failed, ...versions } = written;
  return { uri, failed, versions };
}

/** Reports what the schema cannot say of everything but stages and objects. */
export function checkSections(sections: Sections, report: ReportAt): void {
  if (sections.versions) checkVersions(sections.versions, report);
  const marker = markerOf(sections.marker);
  if (marker && sections.versions) checkMarker(marker, Object.keys(sections.versions), report);
  if (sections.load) {
    checkWorkload(sections.load, report);
    if (sections.load.timeout !== undefined) checkPositive(sections.load.timeout, ['load', 'timeout'], report);
  }
  if (sections.seed) checkSeed(sections.seed, report);
  checkPrecision(sections.precision, ['precision'], precisionOf(sections.precision), report);
  if (sections.watch && !Object.values(watchOf(sections.watch, sections.direct)).includes('require')) {
    report(['watch'], 'requires no vantage point, so that nothing could ever pass', 'set at least one to require');
  }
  if (sections.direct) checkDirect(sections, report);
  if (sections.maxDuration !== undefined) checkPositive(sections.maxDuration, ['maxDuration'], report);
  const { lab } = sections;
  if (lab?.scrapeInterval !== undefined) checkPositive(lab.scrapeInterval, ['lab', 'scrapeInterval'], report);
  for (const [name, app] of Object.entries(lab?.apps ?? {})) {
    if (typeof app.latency === 'object') checkDistribution(app.latency, ['lab', 'apps', name, 'latency'], report);
  }
}

/** Where the load calls the Service itself, no caller's proxy counts its calls: only the client can tell where they went. */
function checkDirect(sections: Sections, report: ReportAt): void {
  const watch = watchOf(sections.watch, true);
  if (watch.source !== 'off')
    report(
      ['watch', 'source'],
      'without "from" no proxy of a caller counts the calls of the load',
      'name the calling workload in "from", or leave watch.source out',
    );
  if (markerOf(sections.marker) === undefined || watch.client !== 'require')
    report(
      [watch.client === 'require' ? 'marker' : 'watch'],
      'without "from" only the client can tell which version answered',
      'write a marker and leave watch.client at require, or name the calling workload in "from"',
    );
}

function checkVersions(versions: ScenarioFile['versions'], report: ReportAt): void {
  const entries = Object.entries(versions);
  if (entries.length < 2) {
    report(['versions'], `found ${entries.length} version(s); a split needs at least 2`);
  }
  for (const [name, labels] of entries) {
    if (Object.keys(labels).length === 0)
      report(['versions', name], 'has no labels, so every pod would be of this version');
    const twin = entries.find(
      ([other, wider]) =>
        other !== name &&
        Object.keys(labels).length > 0 &&
        Object.entries(labels).every(([key, value]) => wider[key] === value) &&
        (Object.keys(wider).length > Object.keys(labels).length || other < name),
    );
    if (twin)
      report(
        ['versions', name],
        `every pod of ${twin[0]} carries these labels too, so they do not tell the versions apart`,
      );
  }
}

function checkMarker(marker: Marker, versions: readonly string[], report: ReportAt): void {
  const names = Object.keys(marker.versions);
  for (const name of names) {
    if (versions.includes(name)) continue;
    const allowed = ['uri', 'failed', ...versions];
    report(
      ['marker', name],
      `unknown key ${show(name)}; allowed are ${allowed.join(', ')}`,
      didYouMean(name, allowed),
      'key',
    );
  }
  const silent = versions.filter((name) => !names.includes(name));
  if (silent.length > 1) {
    report(['marker'], `gives no text for ${silent.join(' and ')}; at most one version may be meant by absence`);
  }
  const texts = Object.entries(marker.versions);
  for (const [name, text] of texts) {
    const twin = texts.find(
      ([other, found]) => other !== name && found.includes(text) && (found !== text || other < name),
    );
    if (twin)
      report(
        ['marker', name],
        `the text ${show(text)} is also in the text of ${twin[0]}, so pages of ${twin[0]} would match both`,
      );
    if (marker.failed?.includes(text))
      report(['marker', name], `the text ${show(text)} is also in the text of a failed page`);
  }
}

function checkPositive(ms: number, path: Path, report: ReportAt): void {
  if (ms <= 0) report(path, 'found 0; allowed are durations above 0');
}

function checkSeed(seed: ScenarioFile['seed'] & object, report: ReportAt): void {
  for (const [index, name] of seed.entries()) {
    if (seed.indexOf(name) !== index) report(['seed', index], `${name} is there twice`);
    const missing = SEED_NAMES.slice(0, SEED_NAMES.indexOf(name)).filter((needed) => !seed.includes(needed));
    if (missing.length > 0)
      report(
        ['seed', index],
        `${name} needs ${missing.join(' and ')}`,
        `write [${SEED_NAMES.slice(0, SEED_NAMES.indexOf(name) + 1).join(', ')}]`,
      );
  }
}

/** Bounds of a precision, wherever it stands. @param inForce with what it leaves to others. */
export function checkPrecision(
  precision: ScenarioFile['precision'],
  path: Path,
  inForce: Precision,
  report: ReportAt,
): void {
  const upper = { margin: 0.5, errorRate: 0.2, absence: 0.5 } as const;
  for (const key of ['margin', 'errorRate', 'absence'] as const) {
    const value = precision?.[key];
    if (value === undefined || (value > 0 && value <= upper[key])) continue;
    report(
      [...path, key],
      `found ${formatPercent(value, 4)}; allowed is more than 0% and at most ${formatPercent(upper[key])}`,
      'smaller is stricter and takes more requests',
    );
  }
  const { quiet, margin } = inForce;
  if (precision === undefined || quiet === undefined || quiet < margin) return;
  report(
    [...path, precision.quiet === undefined ? 'margin' : 'quiet'],
    precision.quiet === undefined
      ? `found ${formatPercent(margin, 4)}, which is not above the quiet band of ${formatPercent(quiet, 4)}`
      : `found ${formatPercent(quiet, 4)}, which is not below the margin of ${formatPercent(margin, 4)}`,
    'what must not alarm is less than what must be caught; leave it out for none',
  );
}
