/**
 * The part of the execution that one of `total` runners has, as the operator writes it: `(index-1)/total:index/total`, 0 and 1 at the ends.
 * @param index from 1
 * @returns no flags for a single runner
 */
export function segmentFlags(index: number, total: number): string[] {
  if (total === 1) return [];
  const bound = (i: number) => (i === 0 ? '0' : i === total ? '1' : `${i}/${total}`);
  const sequence = Array.from({ length: total + 1 }, (_, i) => bound(i)).join(',');
  return [`--execution-segment=${bound(index - 1)}:${bound(index)}`, `--execution-segment-sequence=${sequence}`];
}
