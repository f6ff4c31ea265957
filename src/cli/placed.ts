import type { KubeObject } from '../base/kubernetes.js';

/** An object with the place that it was written at; one of a live cluster has no file. */
export interface PlacedObject {
  readonly object: KubeObject;
  readonly file?: string;
  readonly line?: number;
  readonly lines: Readonly<Record<string, number>>;
}

/** `m/cart.yaml:12` */
export const placeOf = ({ file, line }: PlacedObject): string => `${file}:${line}`;

/** The line of a field, or of the nearest thing around it that is written. */
export function lineOf(manifest: PlacedObject, field: string): number | undefined {
  let near = field;
  while (near && manifest.lines[near] === undefined) near = near.replace(/(\.[^.[\]]*|\[[^\]]*\]|^[^.[]*)$/, '');
  return manifest.lines[near] ?? manifest.line;
}
