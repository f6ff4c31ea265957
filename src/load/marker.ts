import type { Marker } from '../scenario/types.js';

/** Texts to look for in a body and what they mean. */
export interface MarkerTexts {
  /** Version names that have a text, in the order of `needles`. */
  readonly versions: readonly string[];
  /** Texts of the versions, then the text of a failed page if there is one. */
  readonly needles: readonly Buffer[];
  readonly hasFailedText: boolean;
  /** Version meant by absence of every text; undefined: such an answer is unmarked. */
  readonly defaultVersion: string | undefined;
}

export function markerTexts(marker: Marker | undefined, defaultVersion: string | undefined): MarkerTexts {
  const texts = Object.entries(marker?.versions ?? {}).filter(([, text]) => text !== '');
  const failed = marker?.failed ? [marker.failed] : [];
  return {
    versions: texts.map(([version]) => version),
    needles: [...texts.map(([, text]) => text), ...failed].map((text) => Buffer.from(text, 'utf8')),
    hasFailedText: failed.length > 0,
    defaultVersion,
  };
}

/** The one account in which a complete answer ends. */
export type AnswerAccount =
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'unmarked' }
  | { readonly kind: 'failed'; readonly reason: 'status' | 'offline-page' };

/**
 * Which account a complete answer belongs to. A version is only read from a 2xx body of a marker URI: a redirect has no page in which
 * a text could be absent. Two versions' texts in one page tell nothing: unmarked.
 * @param found by position in `texts.needles`.
 */
export function classifyAnswer(
  texts: MarkerTexts,
  tellsVersion: boolean,
  status: number,
  found: readonly boolean[],
): AnswerAccount {
  if (status >= 400) return { kind: 'failed', reason: 'status' };
  if (texts.hasFailedText && found[texts.needles.length - 1]) return { kind: 'failed', reason: 'offline-page' };
  if (!tellsVersion || status < 200 || status > 299) return { kind: 'unmarked' };
  const named = texts.versions.filter((_, index) => found[index]);
  const version = named.length === 0 ? texts.defaultVersion : named.length === 1 ? named[0] : undefined;
  return version === undefined ? { kind: 'unmarked' } : { kind: 'version', version };
}
