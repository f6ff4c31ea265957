import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, type Problem } from '../../base/errors.js';
import { systemErrorText } from '../../scenario/text-file.js';
import { type Recording, RecordingParser } from './recording.js';

const MAX_LINE_LENGTH = 8192;

/**
 * Reads a file of recorded arrivals as a stream: memory grows with the arrivals (10 bytes each), not with the file.
 * Pipes and devices are refused, never read: they may not end.
 * @param shown the file as problems name it, relative to `cwd`.
 * @param variables names that may stand in braces in URIs.
 * @throws ConfigError with the first problems, each with its line.
 */
export async function readRecording(cwd: string, shown: string, variables: readonly string[]): Promise<Recording> {
  const parser = new RecordingParser(shown, variables);
  const unread = await eachLine(path.resolve(cwd, shown), shown, (row) => parser.read(row));
  const recording = unread ? undefined : parser.finish();
  if (recording) return recording;
  throw new ConfigError([...(unread ? [unread] : []), ...parser.problems]);
}

async function eachLine(file: string, shown: string, read: (row: string) => boolean): Promise<Problem | undefined> {
  try {
    // Opening a pipe without O_NONBLOCK would wait for its writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) {
        return { file: shown, message: 'is no regular file', hint: 'name a text file' };
      }
      let line = 0;
      let rest = '';
      for await (const chunk of handle.createReadStream({ encoding: 'utf8', autoClose: false })) {
        const rows = (rest + chunk).split('\n');
        rest = rows.pop() ?? '';
        for (const row of rows) {
          line++;
          if (!read(line === 1 ? row.replace(/^\ufeff/, '') : row)) return undefined;
        }
        if (rest.length > MAX_LINE_LENGTH) {
          return { file: shown, line: line + 1, message: `is longer than ${MAX_LINE_LENGTH} characters` };
        }
      }
      if (rest !== '') read(line === 0 ? rest.replace(/^\ufeff/, '') : rest);
      return undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { file: shown, message: systemErrorText(error), hint: 'check the path and its permissions' };
  }
}
