import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Problem } from '../base/errors.js';

export type TextFile = { readonly text: string } | { readonly problem: Problem };
type BinaryFile = { readonly bytes: Buffer } | { readonly problem: Problem };

/** The path of `entry`, seen from the folder `from`, as a person would type it: relative stays relative. */
export function joinShown(from: string, entry: string): string {
  return path.isAbsolute(entry) ? path.normalize(entry) : path.join(from, entry);
}

/**
 * Reads a regular UTF-8 file of at most `maxBytes`; a byte order mark is dropped.
 * @param shown the path as problems name it.
 */
export async function readTextFile(file: string, shown: string, maxBytes: number): Promise<TextFile> {
  const read = await readBytes(file, shown, maxBytes);
  return 'problem' in read ? read : decode(read.bytes, shown);
}

/** Reads a regular file of at most `maxBytes`. Pipes and devices are refused, never read: they may not end. */
export async function readBytes(file: string, shown: string, maxBytes: number): Promise<BinaryFile> {
  const refuse = (message: string, hint: string) => ({ problem: { file: shown, message, hint } });
  try {
    // Opening a pipe without O_NONBLOCK would wait for its writer.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return refuse('is no regular file', 'name a text file');
      const bytes = await readAtMost(handle, maxBytes + 1);
      if (bytes.length > maxBytes) return refuse(`is larger than ${maxBytes} bytes, the most that is read`, 'split it');
      return { bytes };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return refuse(systemErrorText(error), 'check the path and its permissions');
  }
}

async function readAtMost(handle: Awaited<ReturnType<typeof open>>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(65_536, limit - total)));
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, shown: string): TextFile {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    let line = 1;
    for (let start = 0; start < bytes.length; line++) {
      const end = bytes.indexOf(0x0a, start);
      const stop = end < 0 ? bytes.length : end;
      try {
        decoder.decode(bytes.subarray(start, stop));
      } catch {
        break;
      }
      start = stop + 1;
    }
    return { problem: { file: shown, line, message: 'is not UTF-8 text', hint: 'save it as UTF-8' } };
  }
}

/** Why a path cannot be used, without the path, which the problem names itself. */
export function systemErrorText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file or folder';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read (permission denied)';
  if (code === 'ELOOP') return 'is a circle of symbolic links';
  if (code === 'EISDIR') return 'is a folder';
  return `cannot be read (${code ?? (error instanceof Error ? error.message : String(error))})`;
}
