import type { MetricRelabelling } from '../control/faults.js';
import { type Labels, makeLabels } from './labels.js';

/** The labels of a sample after `metric_relabel_configs`; undefined: the sample is dropped. */
export type Relabel = (labels: Labels) => Labels | undefined;

/** @throws SyntaxError when a regex is none. */
export function relabeller(rules: readonly MetricRelabelling[]): Relabel {
  const compiled = rules.map((rule) => ({ rule, pattern: new RegExp(`^(?:${rule.regex})$`, 's') }));
  return (labels) => {
    let current = labels;
    for (const { rule, pattern } of compiled) {
      const value = rule.sourceLabels.map((name) => current.get(name) ?? '').join(';');
      if (!pattern.test(value)) continue;
      if (rule.action === 'drop') return undefined;
      current = makeLabels([...current, [rule.targetLabel, value.replace(pattern, rule.replacement)]]);
    }
    return current;
  };
}

/** The same rules as a Prometheus configuration writes them. */
export const relabelConfig = (rules: readonly MetricRelabelling[]): object[] =>
  rules.map((rule) => ({
    source_labels: [...rule.sourceLabels],
    regex: rule.regex,
    action: rule.action,
    ...(rule.action === 'replace' ? { target_label: rule.targetLabel, replacement: rule.replacement } : {}),
  }));
