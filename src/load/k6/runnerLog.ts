import type { K6EndOfTest } from './summary.js';

const MARK = 'WEIGHBRIDGE_SUMMARY ';

/** The totals that a runner printed at its end; undefined when it did not get that far, or the line is no such thing. */
export function summaryInLog(log: string): K6EndOfTest | undefined {
  const line = log.split('\n').findLast((text) => text.startsWith(MARK));
  try {
    const value = JSON.parse(line?.slice(MARK.length) ?? '') as Partial<K6EndOfTest> | null;
    return typeof value?.requests === 'number' && typeof value.answers === 'number'
      ? (value as K6EndOfTest)
      : undefined;
  } catch {
    return undefined;
  }
}

/** k6's first error, without its frame `time=.. level=error msg=".."`; undefined: it printed none. */
export function complaintIn(log: string): string | undefined {
  const line = log.split('\n').find((text) => /^(time="[^"]*" )?level=error( |$)/.test(text));
  if (line === undefined) return undefined;
  const [, message] = /msg="((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  return message === undefined ? line : message.replace(/\\n/g, '\n').replace(/\\(.)/g, '$1');
}
