import { type Labels, METRIC_NAME, makeLabels } from '../labels.js';
import type { Expr } from './ast.js';

/** The labels that a missing series would have had: those the selector pins with `=`, once. */
export function absentLabels(expr: Expr | undefined): Labels {
  const inner = expr?.kind === 'paren' ? expr.inner : expr;
  const selector = inner?.kind === 'matrix' ? inner.selector : inner;
  if (selector?.kind !== 'selector') return new Map();
  const pinned = new Map<string, string>();
  const seen = new Set<string>();
  for (const { label, op, value } of selector.matchers) {
    if (label === METRIC_NAME) continue;
    if (op === '=' && !seen.has(label)) pinned.set(label, value);
    else pinned.delete(label);
    if (op === '=') seen.add(label);
  }
  return makeLabels(pinned);
}
