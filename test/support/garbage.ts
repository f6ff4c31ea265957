import { connect } from 'node:net';

/** What a port may be sent by mistake or malice. */
export const GARBAGE: readonly (readonly [string, Buffer])[] = [
  ['nothing, closed at once', Buffer.alloc(0)],
  ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 256))],
  ['a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex')],
  ['an endless header', Buffer.from(`GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}`)],
  [
    'a body longer than promised',
    Buffer.from(`POST /api/v1/query HTTP/1.1\r\ncontent-length: 3\r\n\r\n${'x'.repeat(5_000)}`),
  ],
  ['a request target that is no path', Buffer.from('GET ::%%// HTTP/1.1\r\nhost: x\r\n\r\n')],
  [
    'broken percent encoding',
    Buffer.from('GET /api/v1/label/%zz/values?%=%&query=%E0%A4%A HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
  ],
  ['an upgrade', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')],
  ['two lengths', Buffer.from('POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab')],
];

/** Sends the bytes and hangs up half a moment later, whatever comes back. */
export function sendGarbage(url: string, bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
      socket.once('data', () => socket.destroy());
      setTimeout(() => socket.destroy(), 100);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
  });
}
