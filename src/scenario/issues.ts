import type { $ZodIssue } from 'zod/v4/core';
import type { Problem } from '../base/errors.js';
import { didYouMean, show } from './nearest.js';
import { ALLOWED, CALLER_ELSEWHERE } from './schema-parts.js';
import { type Path, pathText, type YamlText } from './yaml-text.js';

/** Says of a value at a path of the scenario file what is wrong with it. */
export type ReportAt = (path: Path, message: string, hint?: string, what?: 'key' | 'value') => void;

/** Reports into `problems`, with the place in the file. */
export function reporter(document: YamlText, file: string, problems: Problem[]): ReportAt {
  return (path, message, hint, what = 'value') => {
    problems.push({
      file,
      ...document.at(path, what),
      ...(path.length === 0 ? {} : { path: pathText(path) }),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };
}

/** Reports what the schema refuses in words of the file. @returns the paths that are not what they should be. */
export function reportIssues(
  issues: readonly $ZodIssue[],
  document: YamlText,
  report: ReportAt,
  base: Path = [],
): Path[] {
  const refused: Path[] = [];
  for (const issue of issues) {
    const path: Path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    if (issue.code === 'unrecognized_keys') {
      const allowed = issue.message.split(', ');
      for (const key of issue.keys) {
        report(
          [...path, key],
          `unknown key ${show(key)}; allowed are ${issue.message}`,
          didYouMean(key, allowed),
          'key',
        );
      }
    } else if (issue.code === 'invalid_union' && fitting(issue.errors)) {
      refused.push(...reportIssues(fitting(issue.errors) ?? [], document, report, path));
    } else {
      refused.push(path);
      const isKey = issue.code === 'invalid_key';
      const allowed = isKey ? (issue.issues[0]?.message ?? issue.message) : issue.message;
      const found = isKey ? path[path.length - 1] : valueAt(document.value, path);
      if (found === undefined) report(path, `is missing; needed is ${allowed}`);
      else
        report(
          path,
          `found ${show(found)}; allowed is ${allowed}`,
          hintFor(issue, found, document.source(path)),
          isKey ? 'key' : 'value',
        );
    }
  }
  return refused;
}

/** The branch of a union that the value was meant for: the only one that does not refuse it as a whole. */
function fitting(branches: readonly (readonly $ZodIssue[])[]): readonly $ZodIssue[] | undefined {
  const deep = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  );
  return deep.length === 1 ? deep[0] : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

function hintFor(issue: $ZodIssue, found: unknown, source: string | undefined): string | undefined {
  const written = source ?? String(found);
  const bare = /^\d+(\.\d+)?$/.test(written.trim());
  if (issue.message === ALLOWED.percent && bare) {
    const value = Number(written);
    const asRatio =
      value > 0 && value <= 1 ? `, or ${Number((value * 100).toPrecision(12))}% if a ratio was meant` : '';
    return value <= 100 ? `write ${written}%${asRatio}` : undefined;
  }
  if (issue.message === ALLOWED.duration && bare) return `write ${written}ms or ${written}s`;
  if (issue.message === ALLOWED.caller && String(found).includes('.')) return CALLER_ELSEWHERE;
  if (issue.message === ALLOWED.label && typeof found !== 'object') return `quote it: "${written}"`;
  if (issue.code === 'invalid_type' && issue.expected === 'array' && typeof found === 'string')
    return `write [${found}]`;
  if (issue.code === 'invalid_value' && typeof found === 'string') return didYouMean(found, issue.values.map(String));
  if (issue.code === 'invalid_type' && issue.expected === 'string' && /number|boolean/.test(typeof found)) {
    return `quote it: "${written}"`;
  }
  return undefined;
}
