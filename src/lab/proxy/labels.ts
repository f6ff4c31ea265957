import { istioLabels, type LabelFacts } from '../control/istioLabels.js';

export interface SeriesFacts extends Omit<LabelFacts, 'code' | 'security'> {
  /** undefined for TCP, which has neither code nor gRPC status. */
  readonly code?: number;
  readonly security: 'mutual_tls' | 'none' | 'unknown';
}

/** Escapes a label value as the text exposition format demands. */
const escapeLabel = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

/** `name="value",...` without braces. @param removed names of labels that are left out. */
export function labelText({ code, flags, ...facts }: SeriesFacts, removed: readonly string[] = []): string {
  return istioLabels({
    ...facts,
    code: code === undefined ? undefined : String(code),
    flags: flags === '' ? '-' : flags,
  })
    .filter(([name]) => !removed.includes(name))
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}
