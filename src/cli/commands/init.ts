import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { ConfigError, EnvironmentError, errorText, type Problem } from '../../base/errors.js';
import { loadScenario } from '../../scenario/load.js';
import { type ScaffoldOptions, scaffold } from '../../scenario/scaffold.js';
import type { Io } from '../io.js';

interface Flags {
  readonly service: string;
  readonly name?: string;
  readonly namespace: string;
  readonly from: string;
  readonly versions: string;
  readonly dir: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** `weighbridge init`: writes a scenario for an own service; asks nothing, overwrites nothing unless told to. */
export function initCommand(io: Io): Command {
  return new Command('init')
    .description('scaffold a scenario for an own service: stages, manifests and URI list, explained in comments')
    .option('--service <name>', 'the Service under release', 'shop')
    .option('--name <name>', 'name of the scenario and its folder (default: <service>-canary)')
    .option('--namespace <name>', 'namespace of the service', 'default')
    .option('--from <workload>', 'the workload whose calls to the service are judged', 'web')
    .option('--versions <old,new>', 'values of the pod label "version", the present one first', 'v1,v2')
    .option('--dir <folder>', 'where the folder of the scenario is made', 'scenarios')
    .option('--force', 'overwrite files that are there', false)
    .option('--json', 'print one JSON document: the scenario and all files written', false)
    .addHelpText(
      'after',
      `
Examples:
  weighbridge init --service cart --namespace shop --from frontend
  weighbridge run scenarios/cart-canary    rehearse it on the embedded lab
  weighbridge init --service cart --versions 1.4,1.5 --force

Exit codes: 0 written · 3 usage, or a file is there already · 4 not writable`,
    )
    .action(async (flags: Flags) => {
      const { folder, files } = await writeScenario(flags, io.cwd);
      // What was written is read once more, so that nobody starts from a scenario that does not load.
      await loadScenario(folder, { cwd: io.cwd });
      if (flags.json) {
        io.stdout.write(`${JSON.stringify({ scenario: path.join(folder, 'scenario.yaml'), files })}\n`);
        return;
      }
      io.stdout.write(`${files.map((file) => `wrote ${file}`).join('\n')}\n\n`);
      io.stdout.write(`Next: edit ${path.join(folder, 'scenario.yaml')}, then: weighbridge run ${folder}\n`);
    });
}

async function writeScenario(flags: Flags, cwd: string): Promise<{ folder: string; files: string[] }> {
  const name = flags.name ?? `${flags.service}-canary`;
  const versions = flags.versions.split(',').map((version) => version.trim());
  const problems = checkFlags({ ...flags, name }, versions);
  if (problems.length > 0) throw new ConfigError(problems);
  const folder = path.join(flags.dir, name);
  const target = path.resolve(cwd, folder);
  const schema = schemaFor(target, cwd);
  const options: ScaffoldOptions = {
    ...flags,
    name,
    versions: [versions[0] ?? '', versions[1] ?? ''],
    schema: schema.shown,
  };
  const contents = scaffold(options);
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

function checkFlags(flags: Flags & { name: string }, versions: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const option of ['service', 'name', 'namespace', 'from'] as const) {
    if (/^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$/.test(flags[option])) continue;
    problems.push({
      file: `--${option}`,
      message: `found ${JSON.stringify(flags[option])}; allowed are lower-case letters, digits and "-", a letter first, at most 50`,
    });
  }
  if (flags.from === flags.service) {
    problems.push({ file: '--from', message: `is the service itself; the calls of another workload are judged` });
  }
  const good = versions.every((version) => /^[A-Za-z0-9]([\w.-]{0,30}[A-Za-z0-9])?$/.test(version));
  if (versions.length !== 2 || !good || sameName(versions[0], versions[1])) {
    problems.push({
      file: '--versions',
      message: `found ${JSON.stringify(flags.versions)}; needed are two different label values, such as v1,v2`,
    });
  }
  return problems;
}

/** Versions whose names in objects (subsets, Deployments) would be the same. */
const sameName = (a = '', b = ''): boolean =>
  a.toLowerCase().replace(/[._]/g, '-') === b.toLowerCase().replace(/[._]/g, '-');
