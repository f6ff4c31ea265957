import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, type Problem } from '../base/errors.js';
import { buildScenario, type Parts } from './build.js';
import { type ReportAt, reporter, reportIssues } from './issues.js';
import { readManifests } from './manifests.js';
import { mixInMarkerUris } from './markers.js';
import { didYouMean } from './nearest.js';
import { checkAgainstObjects } from './objects.js';
import { ScenarioFile } from './schema.js';
import { accepted, checkSections, markerOf, type Sections, sectionsOf } from './sections.js';
import { seedOf } from './seeds.js';
import { checkStages, reportTwins } from './stages.js';
import { joinShown, readTextFile, systemErrorText } from './text-file.js';
import type { ManifestObject, Scenario, UriEntry } from './types.js';
import { readUriFile } from './uri-file.js';
import { partAsksFor } from './workload.js';
import { type Path, parseYaml, type YamlText } from './yaml-text.js';

const MAX_SCENARIO_BYTES = 262_144;
const MAX_PROBLEMS = 200;

/**
 * Reads and checks a scenario with everything it names.
 * @param file a scenario file, or a folder with a `scenario.yaml`; relative to `cwd`.
 * @param options.cwd default: the working directory of the process.
 * @throws ConfigError with every problem found, each with file and line.
 */
export async function loadScenario(file: string, options: { readonly cwd?: string } = {}): Promise<Scenario> {
  const cwd = path.resolve(options.cwd ?? '.');
  const shown = await scenarioFile(file, cwd);
  const problems: Problem[] = [];
  const read = await readTextFile(path.resolve(cwd, shown), shown, MAX_SCENARIO_BYTES);
  if ('problem' in read) throw new ConfigError([read.problem]);
  const document = parseOne(read.text, shown, problems);
  const report = reporter(document, shown, problems);
  const result = ScenarioFile.safeParse(document.value);
  if (!result.success) reportIssues(result.error.issues, document, report);
  const raw = document.value as Record<string, unknown>;
  const sections = typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? sectionsOf(raw) : undefined;
  const parts = sections && (await checkAll(raw, sections, { cwd, shown, report, problems }));
  if (!result.success || !parts || problems.length > 0) throw new ConfigError(ordered(problems, shown));
  return buildScenario(result.data, shown, parts);
}

async function scenarioFile(file: string, cwd: string): Promise<string> {
  try {
    return (await stat(path.resolve(cwd, file))).isDirectory() ? joinShown(file, 'scenario.yaml') : file;
  } catch (error) {
    throw new ConfigError([
      {
        file,
        message: systemErrorText(error),
        hint: 'name a scenario file or its folder, or make one with: weighbridge init',
      },
    ]);
  }
}

function parseOne(text: string, file: string, problems: Problem[]): YamlText {
  const documents = parseYaml(text, file, 'core');
  if (!Array.isArray(documents)) throw new ConfigError([documents]);
  const [document, second] = documents;
  problems.push(...(document?.problems ?? []));
  if (second)
    problems.push({
      file,
      line: second.start,
      message: 'a scenario is one YAML document',
      hint: 'remove what follows "---"',
    });
  if (!document || document.broken) {
    throw new ConfigError(ordered(problems.length > 0 ? problems : [{ file, line: 1, message: 'is empty' }], file));
  }
  return document;
}

interface Context {
  readonly cwd: string;
  readonly shown: string;
  readonly report: ReportAt;
  readonly problems: Problem[];
}

async function checkAll(raw: Record<string, unknown>, sections: Sections, context: Context): Promise<Parts> {
  const { report } = context;
  checkSections(sections, report);
  const lab = raw.lab as { objects?: unknown } | undefined | null;
  const labPaths = accepted(ScenarioFile.shape.lab.unwrap().shape.objects, lab?.objects);
  const objects = await readList(labPaths ?? [], ['lab', 'objects'], sections, context);
  const stages = await checkStages(
    raw.stages,
    sections,
    (entries, at) => readList(entries, at, sections, context),
    report,
  );
  if (labPaths) checkAgainstObjects(sections, [...objects, ...stages.flatMap((stage) => stage.apply)], report);
  return { objects, stages, ...(await readUris(raw, sections, context)) };
}

async function readList(
  entries: readonly string[],
  at: Path,
  sections: Sections,
  context: Context,
): Promise<ManifestObject[]> {
  const objects: ManifestObject[] = [];
  const folder = path.dirname(context.shown);
  for (const [index, entry] of entries.entries()) {
    const shown = joinShown(folder, entry);
    if (!(await exists(shown, context, [...at, index]))) continue;
    const options = sections.namespace === undefined ? {} : { namespace: sections.namespace };
    const read = await readManifests(shown, context.cwd, options);
    const own = context.problems;
    own.push(...read.problems.filter((p) => !own.some((known) => sameProblem(known, p))));
    objects.push(...read.objects);
  }
  reportTwins(objects, at, context.report);
  return objects;
}

/** Two stages may apply the same file; its problems are said once. */
const sameProblem = (a: Problem, b: Problem) => a.file === b.file && a.line === b.line && a.message === b.message;

async function exists(shown: string, context: Context, at: Path): Promise<boolean> {
  const absolute = path.resolve(context.cwd, shown);
  try {
    await stat(absolute);
    return true;
  } catch (error) {
    const siblings = await readdir(path.dirname(absolute)).catch(() => []);
    context.report(at, `${shown}: ${systemErrorText(error)}`, didYouMean(path.basename(shown), siblings));
    return false;
  }
}

async function readUris(
  raw: Record<string, unknown>,
  sections: Sections,
  context: Context,
): Promise<{ uris: UriEntry[]; urisFile: string }> {
  const written = (raw.load as { uris?: unknown } | undefined | null)?.uris;
  const entry = accepted(ScenarioFile.shape.load.shape.uris, written);
  const shown = entry === undefined ? '' : joinShown(path.dirname(context.shown), entry);
  if (entry === undefined || !(await exists(shown, context, ['load', 'uris']))) return { uris: [], urisFile: shown };
  const list = await readUriFile(context.cwd, shown);
  if ('unread' in list) {
    context.report(['load', 'uris'], `${shown}: ${list.unread.message}`, list.unread.hint);
    return { uris: [], urisFile: shown };
  }
  const { entries, problems } = list;
  context.problems.push(...problems, ...unseeded(entries, shown, sections));
  checkMix(sentUris(entries, shown, sections, context), shown, sections, context);
  return { uris: [...entries], urisFile: shown };
}

/** Variables whose seed record the scenario does not ask for. */
function unseeded(entries: readonly UriEntry[], file: string, sections: Sections): Problem[] {
  const seed = sections.seed ?? [];
  return entries.flatMap(({ target, body, line }) =>
    [
      ...new Set(
        [...(body && 'text' in body ? target + body.text : target).matchAll(/\{([^{}]*)\}/g)].map(
          (match) => match[1] ?? '',
        ),
      ),
    ].flatMap((name) => {
      const record = seedOf(name);
      if (record === undefined || seed.includes(record)) return [];
      return [
        {
          file,
          line,
          message: `{${name}} comes from the seed record ${record}, which the scenario does not list`,
          hint: `add ${record} to seed`,
        },
      ];
    }),
  );
}

/** The list with the marker requests that are mixed in. */
function sentUris(
  entries: readonly UriEntry[],
  urisFile: string,
  sections: Sections,
  context: Context,
): readonly UriEntry[] {
  const marker = markerOf(sections.marker);
  if (!marker || entries.length === 0) return entries;
  const load = { uris: entries, urisFile } as Scenario['load'];
  try {
    return mixInMarkerUris({ marker, load, seed: sections.seed ?? [], file: context.shown }).entries;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) context.report(['marker', 'uri'], problem.message, problem.hint);
    return entries;
  }
}

function checkMix(sent: readonly UriEntry[], urisFile: string, sections: Sections, context: Context): void {
  for (const [index, part] of (sections.load?.mix ?? []).entries()) {
    const { uris } = part;
    if (uris === undefined || sent.length === 0 || sent.some((entry) => partAsksFor({ uris }, entry))) continue;
    const hint = 'name a path of the list; * stands for any run of characters';
    context.report(['load', 'mix', index, 'uris'], `${uris} matches no URI of ${urisFile}`, hint);
  }
}

/** The scenario's own problems first, each file's from top to bottom. */
function ordered(problems: readonly Problem[], scenario: string): Problem[] {
  const rank = (p: Problem) => (p.file === scenario ? '' : (p.file ?? ''));
  const sorted = [...problems].sort((a, b) =>
    rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : (a.line ?? 0) - (b.line ?? 0),
  );
  if (sorted.length <= MAX_PROBLEMS) return sorted;
  const rest = sorted.length - MAX_PROBLEMS;
  return [
    ...sorted.slice(0, MAX_PROBLEMS),
    { file: scenario, line: 1, message: `and ${rest} further problems`, hint: 'repair these first' },
  ];
}
