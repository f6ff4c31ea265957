import { labelKey } from '../labels.js';
import { ExecutionError, type Sample } from './context.js';

/** Two series of one name would be one; Prometheus refuses the query instead. */
export function unique(vector: Sample[]): Sample[] {
  const seen = new Set(vector.map(({ labels }) => labelKey(labels)));
  if (seen.size < vector.length) throw new ExecutionError('vector cannot contain metrics with the same labelset');
  return vector;
}
