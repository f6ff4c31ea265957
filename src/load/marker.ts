import type { Marker } from '../scenario/types.js';

/** The one account in which a complete answer ends. */
export type AnswerAccount =
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'unmarked' }
  | { readonly kind: 'failed'; readonly reason: 'status' | 'offline-page' };

/** Texts to look for in a body and what they mean. */
export interface MarkerTexts {
  /** Texts of the versions, then the text of a failed page if there is one. */
  readonly needles: readonly string[];
  /** What the texts of the versions mean, in the order of `needles`. */
  readonly versions: readonly AnswerAccount[];
  readonly hasFailedText: boolean;
  /** What the absence of every text means. */
  readonly byAbsence: AnswerAccount;
}

/** Made once: the load classifies without allocating. */
const UNMARKED: AnswerAccount = { kind: 'unmarked' };
const ERROR_STATUS: AnswerAccount = { kind: 'failed', reason: 'status' };
const OFFLINE_PAGE: AnswerAccount = { kind: 'failed', reason: 'offline-page' };

/** @param defaultVersion version meant by absence of every text; undefined: such an answer is unmarked. */
export function markerTexts(marker: Marker | undefined, defaultVersion: string | undefined): MarkerTexts {
  const texts = Object.entries(marker?.versions ?? {}).filter(([, text]) => text !== '');
  const failed = marker?.failed ? [marker.failed] : [];
  return {
    needles: [...texts.map(([, text]) => text), ...failed],
    versions: texts.map(([version]) => ({ kind: 'version', version })),
    hasFailedText: failed.length > 0,
    byAbsence: defaultVersion === undefined ? UNMARKED : { kind: 'version', version: defaultVersion },
  };
}

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
  if (status >= 400) return ERROR_STATUS;
  if (texts.hasFailedText && found[texts.needles.length - 1]) return OFFLINE_PAGE;
  if (!tellsVersion || status < 200 || status > 299) return UNMARKED;
  const { versions } = texts;
  let named: AnswerAccount | undefined;
  for (let index = 0; index < versions.length; index++) {
    if (!found[index]) continue;
    if (named) return UNMARKED;
    named = versions[index];
  }
  return named ?? texts.byAbsence;
}
