import type { IncomingMessage } from 'node:http';
import { parseDocument } from 'yaml';
import { errorText } from '../../base/errors.js';
import { KUBERNETES_YAML } from '../../base/kubernetesYaml.js';
import { badRequest, tooLarge, unsupportedMediaType } from './status.js';

/** The API server's own limit of a request body. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;
/** Far above any object, far below what a recursive walk can stand. */
const MAX_DEPTH = 200;

/**
 * Reads the whole body.
 * @throws ApiStatusError 413 beyond 3 MiB, without waiting for the rest and without closing the connection; 400 when the
 * client breaks off.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const refuse = (): void => {
      request.removeAllListeners('data');
      request.resume();
      reject(tooLarge());
    };
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return refuse();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) refuse();
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', (error) => reject(badRequest(`cannot read the request body: ${errorText(error)}`)));
    request.once('close', () => reject(badRequest('the client broke off')));
  });
}

/** The media type without parameters, in lower case; empty when there is none. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function depth(text: string): number {
  let deepest = 0;
  let now = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++now);
    else if (c === 0x7d || c === 0x5d) now--;
  }
  return deepest;
}

/** A `__proto__` key would change the prototype of whatever it is merged into. */
const safe = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

function parseJson(text: string): unknown {
  if (depth(text) > MAX_DEPTH) throw new Error(`nested deeper than ${MAX_DEPTH} levels`);
  return JSON.parse(text, text.includes('"__proto__"') ? safe : undefined);
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { ...KUBERNETES_YAML, merge: true });
  const fault = document.errors[0];
  if (fault) throw new Error(`error converting YAML to JSON: yaml: ${fault.message.split('\n')[0]}`);
  // Through JSON: anchors become copies, so that objects are plain trees.
  return parseJson(JSON.stringify(document.toJS()) ?? 'null');
}

/**
 * Parses JSON, or YAML for a yaml media type.
 * @throws ApiStatusError 400 for what does not parse or is nested too deeply, 415 for protobuf and unknown types.
 */
export function parseBody(body: Buffer, contentType: string | undefined): unknown {
  const type = mediaType(contentType);
  const yaml = type.endsWith('yaml');
  if (type && !yaml && !type.endsWith('json')) {
    throw unsupportedMediaType(['application/json', 'application/yaml']);
  }
  const text = body.toString('utf8');
  try {
    // kubectl sends apply patches as JSON under a yaml media type; JSON.parse is much faster.
    return !yaml || text.trimStart().startsWith('{') ? parseJson(text) : parseYaml(text);
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type Object): ${errorText(error)}`);
  }
}
