import {
  dropLabels,
  dropMetricName,
  groupKey,
  keepLabels,
  type Labels,
  labelKey,
  labelText,
  METRIC_NAME,
  makeLabels,
} from '../labels.js';
import type { BinaryOperator, Expr, Matching } from './ast.js';
import { ExecutionError, type Sample } from './context.js';

type Binary = Extract<Expr, { kind: 'binary' }>;

const COMPARISONS = new Set<BinaryOperator>(['==', '!=', '<', '>', '<=', '>=']);

/** Operators whose result is another quantity and loses the name; atan2 keeps it in 2.42. */
const RENAMES = new Set<BinaryOperator>(['+', '-', '*', '/', '%', '^']);

function arithmetic(op: BinaryOperator, left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      // Go's Pow(±1, ±Inf) and Pow(1, NaN) are 1, JavaScript's are NaN.
      if (left === 1 || (left === -1 && Math.abs(right) === Number.POSITIVE_INFINITY)) return 1;
      return left ** right;
    case 'atan2':
      return Math.atan2(left, right);
    default:
      throw new ExecutionError(`operator ${op} is not arithmetic`);
  }
}

function holds(op: BinaryOperator, left: number, right: number): boolean {
  switch (op) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
    default:
      throw new ExecutionError(`operator ${op} is no comparison`);
  }
}

/** Between scalars a comparison is 1 or 0 (the parser demands `bool`). */
export function scalarBinary(op: BinaryOperator, left: number, right: number): number {
  return COMPARISONS.has(op) ? Number(holds(op, left, right)) : arithmetic(op, left, right);
}

/** A comparison without `bool` filters and keeps the name; everything else changes the value and loses the name. */
export function vectorScalar(expr: Binary, vector: readonly Sample[], scalar: number, scalarLeft: boolean): Sample[] {
  const { op, bool } = expr;
  const result: Sample[] = [];
  for (const { labels, value } of vector) {
    const left = scalarLeft ? scalar : value;
    const right = scalarLeft ? value : scalar;
    const renamed = RENAMES.has(op) || bool ? dropMetricName(labels) : labels;
    if (!COMPARISONS.has(op)) result.push({ labels: renamed, value: arithmetic(op, left, right) });
    else if (bool) result.push({ labels: renamed, value: Number(holds(op, left, right)) });
    else if (holds(op, left, right)) result.push({ labels, value });
  }
  return result;
}

/** The part of the labels by which two sides match: those of `on`, or all but the ignored and the name. */
function matchKey(matching: Matching): (labels: Labels) => string {
  if (matching.on) return (labels) => groupKey(labels, matching.labels);
  const ignored = new Set([...matching.labels, METRIC_NAME]);
  return (labels) => labelKey(dropLabels(labels, ignored));
}

export function vectorBinary(expr: Binary, left: readonly Sample[], right: readonly Sample[]): Sample[] {
  const key = matchKey(expr.matching);
  const keysOf = (side: readonly Sample[]) => new Set(side.map(({ labels }) => key(labels)));
  switch (expr.op) {
    case 'and': {
      const wanted = keysOf(right);
      return left.filter(({ labels }) => wanted.has(key(labels)));
    }
    case 'unless': {
      const unwanted = keysOf(right);
      return left.filter(({ labels }) => !unwanted.has(key(labels)));
    }
    case 'or': {
      const taken = keysOf(left);
      return [...left, ...right.filter(({ labels }) => !taken.has(key(labels)))];
    }
    default:
      return matched(expr, left, right, key);
  }
}

/** One-to-one, or many-to-one with the `one` side named by group_left (right side) or group_right (left side). */
function matched(
  expr: Binary,
  left: readonly Sample[],
  right: readonly Sample[],
  key: (labels: Labels) => string,
): Sample[] {
  const { op, bool, matching } = expr;
  if (left.length === 0 || right.length === 0) return [];
  const swapped = matching.group === 'right';
  const [many, one] = swapped ? [right, left] : [left, right];
  const ones = indexOnes(one, matching, key, swapped ? 'left' : 'right');
  const used = new Map<string, Set<string>>();
  const result: Sample[] = [];
  for (const sample of many) {
    const signature = key(sample.labels);
    const partner = ones.get(signature);
    if (!partner) continue;
    const [a, b] = swapped ? [partner.value, sample.value] : [sample.value, partner.value];
    const comparison = COMPARISONS.has(op);
    if (comparison && !bool && !holds(op, a, b)) continue;
    const value = comparison ? (bool ? Number(holds(op, a, b)) : a) : arithmetic(op, a, b);
    const labels = resultLabels(expr, sample.labels, partner.labels);
    const before = used.get(signature) ?? new Set();
    if (!matching.group && before.size > 0) {
      throw new ExecutionError(
        'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      );
    }
    const own = labelKey(labels);
    if (before.has(own))
      throw new ExecutionError('multiple matches for labels: grouping labels must ensure unique matches');
    used.set(signature, before.add(own));
    result.push({ labels, value });
  }
  return result;
}

function indexOnes(
  one: readonly Sample[],
  matching: Matching,
  key: (labels: Labels) => string,
  side: string,
): Map<string, Sample> {
  const ones = new Map<string, Sample>();
  for (const sample of one) {
    const signature = key(sample.labels);
    const other = ones.get(signature);
    if (other) {
      const listed = new Set(matching.labels);
      const group = matching.on
        ? keepLabels(sample.labels, listed)
        : dropLabels(sample.labels, listed.add(METRIC_NAME));
      throw new ExecutionError(
        `found duplicate series for the match group ${labelText(group)} on the ${side} hand-side of the operation: ` +
          `[${labelText(sample.labels)}, ${labelText(other.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
    ones.set(signature, sample);
  }
  return ones;
}

function resultLabels(expr: Binary, many: Labels, one: Labels): Labels {
  const { matching } = expr;
  const base = RENAMES.has(expr.op) || expr.bool ? dropMetricName(many) : many;
  if (!matching.group) {
    const listed = new Set(matching.labels);
    return matching.on ? keepLabels(base, listed) : dropLabels(base, listed);
  }
  if (matching.include.length === 0) return base;
  // A label that the one side lacks is removed: makeLabels drops the empty value.
  return makeLabels([...base, ...matching.include.map((name) => [name, one.get(name) ?? ''] as const)]);
}
