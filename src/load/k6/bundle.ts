import { dirname, extname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildFailure } from 'esbuild';
import { ConfigError, errorText, type Problem } from '../../base/errors.js';

/** The scripts of this package, `scenarios/k6/<name>.ts`. */
const K6_SCRIPTS = ['replay', 'ramp', 'spike', 'soak'] as const;
export type K6ScriptName = (typeof K6_SCRIPTS)[number];

/** Whether a script is named that comes with the package. */
export const isPackaged = (script: string): boolean => K6_SCRIPTS.some((name) => name === script);

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
/** TypeScript when this runs from the sources, JavaScript in an installed package. */
const CORE = fileURLToPath(new URL(`./core${extname(import.meta.url)}`, import.meta.url));

/**
 * One ES module for k6: the script with all that it imports, except k6's own modules. It needs no file and no network beside the plan, and
 * holds no path of this machine.
 * @param script a script of this package, or the path of another (TypeScript or JavaScript, which may import `weighbridge/k6`).
 * @param cwd what a path is relative to.
 * @throws ConfigError with every fault that esbuild finds, with file and line.
 */
export async function bundleScript(script: K6ScriptName | (string & {}), cwd = '.'): Promise<string> {
  const own = isPackaged(script);
  const entry = own ? resolve(PACKAGE, `scenarios/k6/${script}.ts`) : resolve(cwd, script);
  const base = own ? PACKAGE : dirname(entry);
  // Loaded when it is asked for: only this engine needs it.
  const { build } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      absWorkingDir: base,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2022',
      external: ['k6', 'k6/*', 'http://*', 'https://*'],
      alias: { 'weighbridge/k6': CORE },
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'silent',
    });
    const [output] = outputFiles;
    if (!output) throw new Error('esbuild made no file');
    // Before every module esbuild names its file, and that of a module elsewhere leads through other folders.
    return output.text.replace(/^\/\/ \S+\n/gm, '');
  } catch (error) {
    throw new ConfigError(problemsOf(error, script, (file) => relative(cwd, resolve(base, file))));
  }
}

/** @param shown the path as a user sees it. */
function problemsOf(error: unknown, script: string, shown: (file: string) => string): Problem[] {
  const errors = (error as Partial<BuildFailure>).errors ?? [];
  if (errors.length === 0) return [{ file: script, message: `cannot be bundled for k6: ${errorText(error)}` }];
  return errors.map(({ text, location }) =>
    location
      ? { file: shown(location.file), line: location.line, column: location.column + 1, message: text }
      : { file: script, message: text },
  );
}
