import { InvalidArgumentError } from 'commander';
import type { LoadSpec } from '../../load/types.js';

/** The options of `load` that tell versions apart, as they were given. */
export interface MarkerFlags {
  /** Version -> text. */
  readonly marker?: Readonly<Record<string, string>>;
  readonly markerUri?: string;
  readonly markerFailed?: string;
}

/** commander parser of a repeatable `name=value`; the value may be empty and may hold `=`. */
export function namedValue(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name = '', value = ''] = /^(\w[\w.-]*)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('it must look like name=value');
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} was given twice`);
  return { ...before, [name]: value };
}

/** @param refuse is told every contradiction between the options. */
export function markerSpec(
  { marker = {}, markerUri, markerFailed }: MarkerFlags,
  refuse: (option: string, message: string, hint?: string) => void,
): Pick<LoadSpec, 'marker' | 'defaultVersion'> {
  const byAbsence = Object.keys(marker).filter((version) => marker[version] === '');
  const texts = Object.fromEntries(Object.entries(marker).filter(([, text]) => text !== ''));
  if (byAbsence.length > 1) {
    refuse(
      '--marker',
      `${byAbsence.join(' and ')} have no text`,
      'only one version can be told by absence of every text',
    );
  }
  if (byAbsence.length > 0 && Object.keys(texts).length === 0) {
    refuse('--marker', `nothing tells ${byAbsence.join(' and ')} from another version`, 'add one with a text: v2=TEXT');
  }
  if (markerUri !== undefined && Object.keys(marker).length === 0) refuse('--marker-uri', 'is for --marker');
  if (markerFailed === '') refuse('--marker-failed', 'an empty text is in every page');
  const wanted = Object.keys(texts).length > 0 || markerFailed !== undefined;
  return {
    marker: wanted ? { uri: markerUri ?? '*', versions: texts, failed: markerFailed } : undefined,
    defaultVersion: byAbsence[0],
  };
}
