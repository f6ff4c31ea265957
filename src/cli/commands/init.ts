import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ConfigError, EnvironmentError, errorText, type Problem } from '../../base/errors.js';
import { objectRef } from '../../base/kubernetes.js';
import { planRun } from '../../judge/plan.js';
import { loadScenario } from '../../scenario/load.js';
import { scaffold } from '../../scenario/scaffold.js';
import { type Proposal, scaffoldObjects } from '../../scenario/scaffoldObjects.js';
import { propose } from '../initProposal.js';
import type { Io } from '../io.js';
import { readLiveMesh } from '../liveMesh.js';
import { placeOf } from '../placed.js';
import { alternativesLine, readWorld, type World } from '../world.js';
import { planText } from './plan.js';

interface Flags {
  readonly filename: string[];
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly service?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly from?: string;
  readonly versions?: string;
  readonly dir: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** `weighbridge init`: writes a scenario for an own service; asks nothing, overwrites nothing unless told to. */
export function initCommand(io: Io): Command {
  return new Command('init')
    .description('scaffold a scenario for an own service: stages, manifests and URI list, explained in comments')
    .option(
      '-f, --filename <path...>',
      'find service, versions, caller and routes in these manifest files or folders, - is standard input',
      [],
    )
    .option('--context <name>', 'find them in the live cluster of this kube context, which is only read')
    .option('--kubeconfig <file>', 'find them in the live cluster of this kubeconfig')
    .option('--service <name>', 'the Service under release (default: the one with two versions; without objects shop)')
    .option('--name <name>', 'name of the scenario and its folder (default: <service>-canary)')
    .option('-n, --namespace <name>', 'namespace of the service, and of objects that name none (default: default)')
    .option('--from <workload>', 'the workload whose calls are judged (default: found; without objects web)')
    .option('--versions <old,new>', 'values of the version label, the present one first (default: found, or v1,v2)')
    .option('--dir <folder>', 'where the folder of the scenario is made', 'scenarios')
    .option('--force', 'overwrite files that are there', false)
    .option('--json', 'print one JSON document: the scenario and all files written', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge init -f manifests/           a scenario for what is in the folder
  weighbridge init --context prod --namespace shop --service cart
  weighbridge init --service cart --namespace shop --from frontend
  weighbridge run scenarios/cart-canary    rehearse it on the embedded lab
  weighbridge init --service cart --versions 1.4,1.5 --force

With objects it prints the plan of the scenario as well.

Exit codes: 0 written · 3 usage, a file is there already, or the objects leave
a choice open · 4 not writable, or the cluster does not answer`,
    )
    .action(async (flags: Flags) => {
      const found = await foundObjects(io, flags);
      const draft = found ? proposed(found, flags) : named(flags);
      const { folder, files } = await writeScenario(draft, flags, io.cwd);
      // What was written is read once more, so that nobody starts from a scenario that does not load.
      const scenario = await loadScenario(folder, { cwd: io.cwd });
      const plan = found && planRun(scenario);
      if (flags.json) {
        const document = { scenario: path.join(folder, 'scenario.yaml'), files, ...(plan ? { plan } : {}) };
        io.stdout.write(`${JSON.stringify(document)}\n`);
        return;
      }
      io.stdout.write(`${files.map((file) => `wrote ${file}`).join('\n')}\n\n`);
      if (plan) io.stdout.write(`${planText(plan)}\n`);
      io.stdout.write(`Next: edit ${path.join(folder, 'scenario.yaml')}, then: weighbridge run ${folder}\n`);
    });
}

/** A scenario that only misses its place. */
interface Draft {
  readonly name: string;
  files(schema: string): Readonly<Record<string, string>>;
}

/** undefined: no objects are named, the names alone decide. */
async function foundObjects(io: Io, flags: Flags): Promise<World | undefined> {
  const live = flags.context !== undefined || flags.kubeconfig !== undefined;
  if (flags.filename.length === 0 && !live) return undefined;
  const { objects, unread } = live ? await readLiveMesh(flags) : { objects: undefined, unread: [] };
  for (const line of unread) io.stderr.write(`not read: ${line}\n`);
  const world = await readWorld(flags.filename, {
    cwd: io.cwd,
    namespace: flags.namespace ?? 'default',
    stdin: io.stdin,
    ...(objects ? { live: objects } : {}),
  });
  for (const note of world.notes) io.stderr.write(`left out: ${note}\n`);
  for (const line of [...world.unknownFields, ...alternativesLine(world)]) io.stderr.write(`${line}\n`);
  return world;
}

function proposed({ objects, alternatives }: World, flags: Flags): Draft {
  checkNames(flags, undefined);
  const proposal = propose(objects, {
    ...flags,
    versions: flags.versions === undefined ? undefined : splitVersions(flags.versions),
  });
  refuseAlternatives(proposal, alternatives);
  checkNames(proposal, undefined);
  return { name: proposal.name, files: (schema) => scaffoldObjects({ ...proposal, schema }) };
}

/** @throws ConfigError when the files hold several routes of the service under one name: they are a choice. */
function refuseAlternatives({ stages }: Pick<Proposal, 'stages'>, alternatives: World['alternatives']): void {
  const [route] = stages[0]?.objects ?? [];
  const several = route && alternatives.find(([first]) => first && objectRef(first.object) === objectRef(route));
  if (!several) return;
  const message = `${several.length} different ${objectRef(route)}: ${several.map(placeOf).join(', ')}; everything follows from which of them is in force`;
  throw new ConfigError([{ file: '-f', message, hint: 'name the one that is meant, and leave its folder out' }]);
}

function named(flags: Flags): Draft {
  const service = flags.service ?? 'shop';
  const text = flags.versions ?? 'v1,v2';
  const names = {
    service,
    name: flags.name ?? `${service}-canary`,
    namespace: flags.namespace ?? 'default',
    from: flags.from ?? 'web',
  };
  checkNames(names, text);
  const [old = '', next = ''] = splitVersions(text);
  return { name: names.name, files: (schema) => scaffold({ ...names, versions: [old, next], schema }) };
}

const splitVersions = (text: string): string[] => text.split(',').map((version) => version.trim());

async function writeScenario(draft: Draft, flags: Flags, cwd: string): Promise<{ folder: string; files: string[] }> {
  const folder = path.join(flags.dir, draft.name);
  const target = path.resolve(cwd, folder);
  const schema = schemaFor(target, cwd);
  const contents = draft.files(schema.shown);
  const names = [...Object.keys(contents), ...(schema.copy ? [schema.shown] : [])];
  const there = names.filter((file) => existsSync(path.join(target, file)));
  if (there.length > 0 && !flags.force) {
    throw new ConfigError(
      there.map((file) => ({
        file: path.join(folder, file),
        message: 'is there already',
        hint: 'choose another --name or --dir, or say --force',
      })),
    );
  }
  try {
    await mkdir(target, { recursive: true });
    for (const [file, text] of Object.entries(contents)) await writeFile(path.join(target, file), text);
    if (schema.copy) await copyFile(schema.copy, path.join(target, schema.shown));
  } catch (error) {
    throw new EnvironmentError('E_WRITE', `cannot write ${folder}: ${errorText(error)}`, 'choose another --dir', {
      cause: error,
    });
  }
  return { folder, files: names.map((file) => path.join(folder, file)) };
}

/** The package's schema, seen from the scenario; where the package lies elsewhere (npx, global), a copy beside the scenario. */
function schemaFor(target: string, cwd: string): { shown: string; copy?: string } {
  const schema = fileURLToPath(new URL('../../../schema/scenario.schema.json', import.meta.url));
  const within = !path.relative(cwd, schema).startsWith('..') && !path.relative(cwd, target).startsWith('..');
  return within
    ? { shown: path.relative(target, schema).split(path.sep).join('/') }
    : { shown: 'scenario.schema.json', copy: schema };
}

const NAMES = ['service', 'name', 'namespace', 'from'] as const;

/** @throws ConfigError with every name that no cluster takes. `versions` are two, or undefined where the objects have them. */
function checkNames(names: { readonly [name in (typeof NAMES)[number]]?: string }, text: string | undefined): void {
  const problems: Problem[] = [];
  for (const option of NAMES) {
    const name = names[option];
    if (name === undefined || /^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/.test(name)) continue;
    problems.push({
      file: `--${option}`,
      message: `found ${JSON.stringify(name)}; allowed are lower-case letters, digits and "-", a letter first, at most 50`,
    });
  }
  if (text !== undefined && names.from === names.service) {
    problems.push({ file: '--from', message: `is the service itself; the calls of another workload are judged` });
  }
  const versions = text === undefined ? undefined : splitVersions(text);
  const good = versions?.every((version) => /^[A-Za-z0-9]([\w.-]{0,30}[A-Za-z0-9])?$/.test(version)) ?? true;
  if (versions && (versions.length !== 2 || !good || sameName(versions[0], versions[1]))) {
    problems.push({
      file: '--versions',
      message: `found ${JSON.stringify(text)}; needed are two different label values, such as v1,v2`,
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Versions whose names in objects (subsets, Deployments) would be the same. */
const sameName = (a = '', b = ''): boolean =>
  a.toLowerCase().replace(/[._]/g, '-') === b.toLowerCase().replace(/[._]/g, '-');
