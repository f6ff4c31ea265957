import { RE2JS } from 're2js';
import type { Labels } from './labels.js';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** One condition of a selector. An absent label counts as the empty string. */
export interface Matcher {
  readonly label: string;
  readonly op: MatchOperator;
  readonly value: string;
  readonly matches: (labelValue: string) => boolean;
}

/** A plain alternation of literals needs no automaton: `source|waypoint`. */
const LITERALS = /^[\w /-]*(\|[\w /-]*)*$/;
/** Bound on remembered answers of one expression, so that endless label values cannot fill the memory. */
const MEMORY = 10_000;

function regexTest(pattern: string): (value: string) => boolean {
  if (LITERALS.test(pattern)) {
    const literals = new Set(pattern.split('|'));
    return (value) => literals.has(value);
  }
  const compiled = RE2JS.compile(`^(?:${pattern})$`);
  const memory = new Map<string, boolean>();
  return (value) => {
    let answer = memory.get(value);
    if (answer === undefined) {
      answer = compiled.matcher(value).find();
      if (memory.size >= MEMORY) memory.clear();
      memory.set(value, answer);
    }
    return answer;
  };
}

/** Regular expressions are RE2 and anchored at both ends, as Prometheus'. Throws on a pattern that RE2 refuses. */
export function makeMatcher(label: string, op: MatchOperator, value: string): Matcher {
  switch (op) {
    case '=':
      return { label, op, value, matches: (other) => other === value };
    case '!=':
      return { label, op, value, matches: (other) => other !== value };
    case '=~':
      return { label, op, value, matches: regexTest(value) };
    case '!~': {
      const test = regexTest(value);
      return { label, op, value, matches: (other) => !test(other) };
    }
  }
}

export function matchesAll(labels: Labels, matchers: readonly Matcher[]): boolean {
  for (const matcher of matchers) if (!matcher.matches(labels.get(matcher.label) ?? '')) return false;
  return true;
}
