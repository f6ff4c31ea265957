import { RE2JS } from 're2js';
import { makeLabels } from '../labels.js';
import { ExecutionError, type Sample } from './context.js';

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export interface Replacement {
  readonly target: string;
  /** With `$1`, `${1}`, `$name`, `${name}`, `$$`. */
  readonly template: string;
  readonly source: string;
  /** RE2, anchored at both ends. */
  readonly pattern: string;
}

/** Writes the expanded template into the target label of every series whose source label matches; an empty result removes it. */
export function labelReplace(vector: readonly Sample[], replacement: Replacement): Sample[] {
  const { target, template, source, pattern } = replacement;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(`^(?:${pattern})$`);
  } catch {
    throw new ExecutionError(`invalid regular expression in label_replace(): ${pattern}`);
  }
  if (!LABEL_NAME.test(target))
    throw new ExecutionError(`invalid destination label name in label_replace(): ${target}`);
  return vector.map(({ labels, value }) => {
    const matcher = compiled.matcher(labels.get(source) ?? '');
    if (!matcher.find()) return { labels, value };
    const groups = compiled.namedGroups() as Record<string, number>;
    const text = template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name === undefined) return whole === '$$' ? '$' : whole;
      const group = /^\d+$/.test(name) ? Number(name) : groups[name];
      if (group === undefined || group > matcher.groupCount()) return '';
      return matcher.group(group) ?? '';
    });
    return { labels: makeLabels([...labels, [target, text]]), value };
  });
}

/** Joins the values of the source labels (absent ones as empty) into the target label. */
export function labelJoin(
  vector: readonly Sample[],
  target: string,
  separator: string,
  sources: readonly string[],
): Sample[] {
  for (const name of sources) {
    if (!LABEL_NAME.test(name)) throw new ExecutionError(`invalid source label name in label_join(): ${name}`);
  }
  if (!LABEL_NAME.test(target)) throw new ExecutionError(`invalid destination label name in label_join(): ${target}`);
  return vector.map(({ labels, value }) => {
    const joined = sources.map((name) => labels.get(name) ?? '').join(separator);
    return { labels: makeLabels([...labels, [target, joined]]), value };
  });
}
